// What a verdict sounds like when it is told to a client, by whatever front end.
#pragma once
#include <string_view>

#include "deferd/verdict.h"

namespace deferd {

/// Code, enhanced code and text of a reply, all of them there, and of one class. Points into the reply it was made of.
struct ReplyWords {
  int code;
  std::string_view enhanced;  ///< "4.7.1"
  std::string_view text;      ///< Without line ends at its end.
};

/// What a plugin has left open, or got wrong, is replaced by the action's own words: a defer is never 5xx, nor a reject 4xx; a
/// close is 421, or what else of both classes it says. An enhanced code that is none (RFC 3463 section 2), or of another class
/// than the code, counts as left open. A pass has the words of a defer: no front end says yes with these.
ReplyWords reply_words(Action action, const Reply& reply);

}  // namespace deferd
