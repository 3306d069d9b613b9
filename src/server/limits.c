#include "server/limits.h"

#include "server/tables.h"

#define MIB ((uint64_t)1 << 20)

static void put_tables(const struct server_settings *settings, struct buf *out)
{
    struct server_table tables[SERVER_TABLES_MAX];
    const unsigned count = server_tables(settings, NULL, tables);
    buf_put_format(out, "%-26s %12s %-13s %6s  %-16s %s\n", "table", "bound", "of", "places", "in",
                   "when full");
    for (unsigned i = 0; i < count; i++) {
        const struct server_table *const table = &tables[i];
        buf_put_format(out, "%-26s %12llu %-13s %6u  %-16s %s\n", table->name,
                       (unsigned long long)table->bound, table->unit, table->places, table->memory,
                       table->full);
    }
}

static void put_memory(struct buf *out, const char *name, unsigned places, uint64_t reserved,
                       uint64_t heap, const char *text)
{
    buf_put_format(out, "%-16s %6u %16llu %16llu  %s\n", name, places, (unsigned long long)reserved,
                   (unsigned long long)heap, text);
}

static void put_memories(const struct server_settings *settings, struct buf *out)
{
    struct server_memory memories[SERVER_MEMORIES_MAX];
    const unsigned count = server_memories(settings, memories);
    uint64_t reserved = 0;
    uint64_t heap = 0;
    buf_put_format(out, "\n%-16s %6s %16s %16s  %s\n", "memory, in bytes", "places", "reserved",
                   "heap at most", "for");
    for (unsigned i = 0; i < count; i++) {
        const struct server_memory *const one = &memories[i];
        reserved += one->places * one->reserved;
        heap += one->places * one->heap;
        put_memory(out, one->name, one->places, one->places * one->reserved,
                   one->places * one->heap, one->text);
    }
    put_memory(out, "sum", 1, reserved, heap, "reserved memory is touched as it is used");
    buf_put_format(out, "%llu MiB at most\n", (unsigned long long)((reserved + heap) / MIB));
}

void server_limits_write(const struct server_settings *settings, struct buf *out)
{
    put_tables(settings, out);
    put_memories(settings, out);
}
