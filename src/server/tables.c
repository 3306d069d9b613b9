#include "server/tables.h"

#include "coap/bodies.h"
#include "coap/noted.h"
#include "core/attributes.h"
#include "core/device_name.h"
#include "core/lives.h"
#include "core/presence.h"
#include "core/visit.h"
#include "http/owners.h"
#include "http/socket.h"
#include "model/index.h"
#include "model/quotas.h"
#include "model/reading.h"
#include "rest/call.h"
#include "rest/handlers.h"
#include "rest/live.h"
#include "rest/names.h"
#include "rest/query.h"
#include "server/meters.h"
#include "server/sizes.h"
#include "store/attempts.h"
#include "store/entities.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Each function takes its own rows of the list.
#define MEMORY(name, places, reserved, heap, text)
#define TABLE(name, places, bound, unit, used, memory, full)                                       \
    {name, memory, unit, full, places, bound, true, used},
#define RULE(name, bound, unit, memory, full) {name, memory, unit, full, 1, bound, false, 0},

unsigned server_tables(const struct server_settings *settings, const struct server_levels *levels,
                       struct server_table tables[SERVER_TABLES_MAX])
{
    static const struct server_levels nothing;
    const struct server_settings *const s = settings;
    const struct server_levels *const l = levels != NULL ? levels : &nothing;
    const struct server_table rows[] = {
#include "server/tables.def"
    };
    static_assert(COUNT(rows) <= SERVER_TABLES_MAX, "as many as there is room for");
    for (unsigned i = 0; i < COUNT(rows); i++) {
        tables[i] = rows[i];
    }
    return COUNT(rows);
}

#undef MEMORY
#undef TABLE
#undef RULE
#define MEMORY(name, places, reserved, heap, text) {name, text, places, reserved, heap},
#define TABLE(name, places, bound, unit, used, memory, full)
#define RULE(name, bound, unit, memory, full)

unsigned server_memories(const struct server_settings *settings,
                         struct server_memory memories[SERVER_MEMORIES_MAX])
{
    const struct server_settings *const s = settings;
    const struct server_memory rows[] = {
#include "server/tables.def"
    };
    static_assert(COUNT(rows) <= SERVER_MEMORIES_MAX, "as many as there is room for");
    for (unsigned i = 0; i < COUNT(rows); i++) {
        memories[i] = rows[i];
    }
    return COUNT(rows);
}

uint64_t server_heap_bytes_max(const struct server_settings *settings)
{
    struct server_memory memories[SERVER_MEMORIES_MAX];
    const unsigned count = server_memories(settings, memories);
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += memories[i].places * memories[i].heap;
    }
    return sum;
}
