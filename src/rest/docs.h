// rest/docs.h: the API described: the OpenAPI 3.1 document and the page that shows it. Both are
// made at build time by tools/openapi.py from src/rest/openapi/ and live as long as the program.
#pragma once

#include "base/slice.h"

extern const struct slice rest_docs_document; // JSON
extern const struct slice rest_docs_page;     // HTML without any outside resource
