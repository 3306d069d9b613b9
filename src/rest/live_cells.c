// What is remembered, counted in cells: of all connections together, and of each. What one tenant
// has is summed only while more than its share is taken, which is seldom.
#include "rest/live_priv.h"

static uint64_t cells_of_tenant(const struct rest_live *live, struct tenant_id tenant)
{
    uint64_t cells = 0;
    for (const struct live_session *at = live->sessions; at != NULL; at = at->next) {
        cells += at->caller.tenant.number == tenant.number ? at->cells : 0;
    }
    return cells;
}

bool rest_live_cells_fit(const struct rest_live *live, const struct live_session *session,
                         uint64_t more)
{
    if (live->cells + more <= REST_LIVE_TENANT_CELLS) {
        return true;
    }
    return live->cells + more <= REST_LIVE_CELLS &&
           cells_of_tenant(live, session->caller.tenant) + more <= REST_LIVE_TENANT_CELLS;
}

void rest_live_cells_take(struct rest_live *live, struct live_session *session, uint64_t cells)
{
    live->cells += cells;
    session->cells += cells;
}

void rest_live_cells_give(struct rest_live *live, struct live_session *session, uint64_t cells)
{
    ASSERT(live->cells >= cells && (session == NULL || session->cells >= cells));
    live->cells -= cells;
    if (session != NULL) {
        session->cells -= cells;
    }
}
