#include "rest/docs.h"

#include "rest/handlers.h"

enum err rest_docs_get_document(struct rest_call *call)
{
    buf_put_slice(&call->response->body, rest_docs_document);
    return ERR_OK;
}

enum err rest_docs_get_page(struct rest_call *call)
{
    call->response->content_type = "text/html;charset=UTF-8";
    buf_put_slice(&call->response->body, rest_docs_page);
    return ERR_OK;
}
