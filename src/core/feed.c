#include "core/feed.h"

#include "base/hash.h"
#include "core/mail.h"

void core_feed_watch(struct core_feed *feed, struct device_id device)
{
    filter_put(&feed->watched, hash_word(device.number));
}

bool core_feed_is_watched(const struct core_feed *feed, struct device_id device)
{
    return feed != NULL && filter_has(&feed->watched, hash_word(device.number));
}

void core_feed_publish(struct core_feed *feed, struct bus_party *party, struct device_id device,
                       unsigned what)
{
    if (!core_feed_is_watched(feed, device)) {
        return;
    }
    struct core_mail *mail = core_mail_begin(party, feed->party, 0);
    if (mail == NULL) {
        atomic_fetch_add_explicit(&feed->missed, 1, memory_order_relaxed);
        return;
    }
    mail->kind = CORE_MAIL_CHANGED;
    mail->device = device;
    mail->number = what;
    core_mail_end(party, feed->party, mail);
}
