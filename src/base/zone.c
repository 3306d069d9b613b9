#include "base/zone.h"

#include "base/calendar.h"

#define HEADER_SIZE 44U
#define INFO_SIZE 6U
#define DAY_S INT64_C(86400)
#define CHANGE_TIME_DEFAULT 7200

// Reading TZif (RFC 8536 3.1, 3.2).

struct header {
    uint8_t version;
    uint32_t utc_count, standard_count, leap_count, time_count, type_count, char_count;
};

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t get_i64(const uint8_t *at)
{
    return (int64_t)((uint64_t)get_u32(at) << 32 | get_u32(at + 4));
}

static bool read_header(struct slice *rest, struct header *header)
{
    if (rest->len < HEADER_SIZE || !slice_starts_with(*rest, SLICE("TZif"))) {
        return false;
    }
    const uint8_t *const at = rest->ptr + 20;
    *header = (struct header){.version = rest->ptr[4],
                              .utc_count = get_u32(at),
                              .standard_count = get_u32(at + 4),
                              .leap_count = get_u32(at + 8),
                              .time_count = get_u32(at + 12),
                              .type_count = get_u32(at + 16),
                              .char_count = get_u32(at + 20)};
    *rest = slice_sub(*rest, HEADER_SIZE, rest->len);
    return true;
}

static uint64_t data_size(const struct header *header, uint64_t time_size)
{
    return header->time_count * (time_size + 1) + header->type_count * (uint64_t)INFO_SIZE +
           header->char_count + header->leap_count * (time_size + 4) + header->standard_count +
           header->utc_count;
}

static struct slice cut(struct slice *rest, uint64_t len)
{
    const struct slice part = slice_sub(*rest, 0, (size_t)len);
    *rest = slice_sub(*rest, (size_t)len, rest->len);
    return part;
}

// The rule behind the last transition (RFC 8536 3.3, POSIX TZ).

static bool eat(struct slice *text, char c)
{
    if (text->len == 0 || text->ptr[0] != (uint8_t)c) {
        return false;
    }
    *text = slice_sub(*text, 1, text->len);
    return true;
}

static bool is_digit(const struct slice *text)
{
    return text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9';
}

static int read_number(struct slice *text)
{
    int number = 0;
    while (is_digit(text) && number < 100000) {
        number = number * 10 + (text->ptr[0] - '0');
        *text = slice_sub(*text, 1, text->len);
    }
    return number;
}

// [+-]hh[:mm[:ss]]
static int32_t read_time(struct slice *text)
{
    const bool is_negative = eat(text, '-');
    if (!is_negative) {
        (void)eat(text, '+');
    }
    int32_t seconds = read_number(text) * 3600;
    if (eat(text, ':')) {
        seconds += read_number(text) * 60;
        seconds += eat(text, ':') ? read_number(text) : 0;
    }
    return is_negative ? -seconds : seconds;
}

// Letters, or anything in angle brackets.
static bool skip_name(struct slice *text)
{
    const size_t before = text->len;
    if (eat(text, '<')) {
        while (text->len > 0 && text->ptr[0] != '>') {
            *text = slice_sub(*text, 1, text->len);
        }
        return eat(text, '>');
    }
    while (text->len > 0 && ((text->ptr[0] | 0x20) >= 'a' && (text->ptr[0] | 0x20) <= 'z')) {
        *text = slice_sub(*text, 1, text->len);
    }
    return text->len < before;
}

static bool read_change(struct slice *text, struct zone_change *change)
{
    if (!eat(text, ',')) {
        return false;
    }
    change->time = CHANGE_TIME_DEFAULT;
    if (eat(text, 'M')) {
        change->kind = 'M';
        change->month = read_number(text);
        const bool has_week = eat(text, '.');
        change->week = read_number(text);
        const bool has_day = eat(text, '.');
        change->day = read_number(text);
        if (!has_week || !has_day || change->month < 1 || change->month > 12 || change->week < 1 ||
            change->week > 5 || change->day > 6) {
            return false;
        }
    } else {
        change->kind = eat(text, 'J') ? 'J' : 'n';
        if (!is_digit(text)) {
            return false;
        }
        change->day = read_number(text);
    }
    if (eat(text, '/')) {
        change->time = read_time(text);
    }
    return true;
}

static bool read_rule(struct slice text, struct zone_rule *rule)
{
    *rule = (struct zone_rule){.is_there = text.len > 0};
    if (text.len == 0) {
        return true;
    }
    if (!skip_name(&text)) {
        return false;
    }
    // Written the other way round: west of Greenwich is positive.
    rule->winter_s = -read_time(&text);
    rule->has_summer = text.len > 0;
    if (!rule->has_summer) {
        return true;
    }
    if (!skip_name(&text)) {
        return false;
    }
    const bool is_given = text.len > 0 && text.ptr[0] != ',';
    rule->summer_s = is_given ? -read_time(&text) : rule->winter_s + 3600;
    return read_change(&text, &rule->to_summer) && read_change(&text, &rule->to_winter) &&
           text.len == 0;
}

static bool types_are_known(const struct zone *zone, uint32_t type_count)
{
    for (uint32_t i = 0; i < zone->count; i++) {
        if (zone->types.ptr[i] >= type_count) {
            return false;
        }
    }
    return true;
}

enum err zone_open(struct zone *zone, struct slice bytes)
{
    struct slice rest = bytes;
    struct header header;
    if (!read_header(&rest, &header) || header.version < '2' || data_size(&header, 4) > rest.len) {
        return ERR_CORRUPT;
    }
    // The first block has 32 bits for a time; the second is the same with 64.
    (void)cut(&rest, data_size(&header, 4));
    if (!read_header(&rest, &header) || header.type_count == 0 ||
        data_size(&header, 8) > rest.len) {
        return ERR_CORRUPT;
    }
    *zone = (struct zone){.count = header.time_count};
    struct slice data = cut(&rest, data_size(&header, 8));
    zone->times = cut(&data, header.time_count * UINT64_C(8));
    zone->types = cut(&data, header.time_count);
    zone->infos = cut(&data, header.type_count * (uint64_t)INFO_SIZE);
    if (!types_are_known(zone, header.type_count) || !eat(&rest, '\n')) {
        return ERR_CORRUPT;
    }
    return read_rule(slice_cut(&rest, '\n'), &zone->rule) ? ERR_OK : ERR_CORRUPT;
}

// Where local time stands.

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// The local second of the year's change, counted from 1970.
static int64_t change_at(const struct zone_change *change, int64_t year)
{
    const int64_t first = calendar_days((struct calendar_date){year, 1, 1});
    int64_t day = first + change->day;
    if (change->kind == 'J') {
        day = first + change->day - 1 + (is_leap(year) && change->day >= 60 ? 1 : 0);
    } else if (change->kind == 'M') {
        const int64_t start = calendar_days((struct calendar_date){year, change->month, 1});
        const int64_t end = calendar_days((struct calendar_date){year, change->month + 1, 1});
        day = start + (change->day - calendar_weekday(start) + 7) % 7 + (change->week - 1) * 7;
        day -= day >= end ? 7 : 0;
    }
    return day * DAY_S + change->time;
}

static int32_t rule_offset(const struct zone_rule *rule, int64_t utc_s)
{
    if (!rule->has_summer) {
        return rule->winter_s;
    }
    const int64_t local_s = utc_s + rule->winter_s;
    const int64_t days = local_s / DAY_S - (local_s % DAY_S < 0 ? 1 : 0);
    const int64_t year = calendar_date(days).year;
    const int64_t summer = change_at(&rule->to_summer, year) - rule->winter_s;
    const int64_t winter = change_at(&rule->to_winter, year) - rule->summer_s;
    // South of the equator summer goes over the new year.
    const bool is_summer =
        summer < winter ? utc_s >= summer && utc_s < winter : utc_s >= summer || utc_s < winter;
    return is_summer ? rule->summer_s : rule->winter_s;
}

static int32_t type_offset(const struct zone *zone, uint8_t type)
{
    return (int32_t)get_u32(zone->infos.ptr + (size_t)type * INFO_SIZE);
}

int32_t zone_offset(const struct zone *zone, int64_t utc_s)
{
    // The number of transitions at or before the moment.
    uint32_t low = 0;
    uint32_t high = zone->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (get_i64(zone->times.ptr + (size_t)middle * 8) <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->rule.is_there) {
        return rule_offset(&zone->rule, utc_s);
    }
    return type_offset(zone, low == 0 ? 0 : zone->types.ptr[low - 1]);
}

int64_t zone_moment(const struct zone *zone, int64_t local_s)
{
    // No two changes are closer than two days.
    const int32_t before = zone_offset(zone, local_s - DAY_S);
    const int32_t after = zone_offset(zone, local_s + DAY_S);
    if (zone_offset(zone, local_s - before) == before) {
        return local_s - before;
    }
    if (zone_offset(zone, local_s - after) == after) {
        return local_s - after;
    }
    return local_s - before;
}
