// Tuples of other greylisters, taken over, and one tuple given up: what spamdb(8) does with GREY entries.
#pragma once
#include "config.h"
#include "deferd/plugin.h"
#include "profile.h"

namespace deferd::greylist {

/// Each of `rows` is a list of texts: client, helo, from, to, first, pass, expires, tries; times in seconds since 1970. A tuple
/// that passed has a `pass` before now and before `expires`. A tuple that is known is kept, and what
/// the row adds to it merged in: an earlier first try, a later pass, more tries, a later end. Answers added (or changed),
/// kept, expired. Errors: invalid, before anything is written; the store's.
Result<void> import_tuples(Context& context, const Config& config, const Profile& profile, const Value& args, Rows& rows);

}  // namespace deferd::greylist
