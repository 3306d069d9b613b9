// store/entities_contact.h: the eight contact columns that tenants and customers share.
#pragma once

#include "model/entity.h"
#include "store/sql.h"

#define STORE_CONTACT_COLUMNS "country, state, city, address, address2, zip, phone, email"

static inline void store_contact_bind(struct store_query *query,
                                      const struct model_contact *contact)
{
    for (unsigned i = 0; i < MODEL_CONTACT_FIELDS; i++) {
        store_sql_bind_text(query, contact->fields[i]);
    }
}

static inline void store_contact_read(struct store_query *query, struct model_contact *contact)
{
    for (unsigned i = 0; i < MODEL_CONTACT_FIELDS; i++) {
        contact->fields[i] = store_sql_read_text(query);
    }
}
