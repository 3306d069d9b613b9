// rest/read.h: members of a request's JSON object, with errors that name the member.
#pragma once

#include "rest/call.h"

bool rest_read_is_absent(struct codec_json value); // or null

// A text, or `ptr == NULL` when absent or null.
MUST_USE enum err rest_read_text(struct rest_call *call, struct codec_json object, const char *name,
                                 struct slice *text);
// {"entityType":...,"id":"uuid"} or {"id":"uuid"}; uuid_null when absent or null.
MUST_USE enum err rest_read_id(struct rest_call *call, struct codec_json object, const char *name,
                               struct uuid *id);
// True or false; `*value` stays when absent or null.
MUST_USE enum err rest_read_boolean(struct rest_call *call, struct codec_json object,
                                    const char *name, bool *value);
// An object; `inner == NULL` when absent or null.
MUST_USE enum err rest_read_object(struct rest_call *call, struct codec_json object,
                                   const char *name, struct codec_json *member);
// A text that must be one of these, or `ptr == NULL` when absent or null.
MUST_USE enum err rest_read_choice(struct rest_call *call, struct codec_json object,
                                   const char *name, const char *const *served, unsigned count,
                                   struct slice *value);
// What a device or a profile says of saving power (server-api.md 2.1, 2.3): a mode and its times.
// Nothing is taken, only checked.
MUST_USE enum err rest_read_power(struct rest_call *call, struct codec_json object);
// The eight texts of a contact.
MUST_USE enum err rest_read_contact(struct rest_call *call, struct codec_json object,
                                    struct model_contact *contact);
// Any JSON as compact text in the request's memory; `ptr == NULL` when absent or null.
MUST_USE enum err rest_read_json(struct rest_call *call, struct codec_json object, const char *name,
                                 struct slice *json);
// The same for what the entities keep: their store looks into it, and takes the first of several
// members with one name where everything else takes the last. ERR_INVALID if there are such.
MUST_USE enum err rest_read_stored(struct rest_call *call, struct codec_json object,
                                   const char *name, struct slice *json);
// ERR_INVALID if a member that is not served yet is there.
MUST_USE enum err rest_read_unserved(struct rest_call *call, struct codec_json object,
                                     const char *name);
MUST_USE enum err rest_read_int(struct rest_call *call, struct codec_json object, const char *name,
                                bool *given, int64_t *value);
