// A list on its way in: what comes is unpacked, read and summed up piece by piece, and is a list at the end or nothing.
#pragma once
#include <atomic>
#include <string>
#include <string_view>

#include "digest.h"
#include "list_reader.h"
#include "plan.h"
#include "unpack.h"

namespace deferd::blacklist {

/// One thread. `spec` and `stop` outlive it. Memory: that of the list, and of building it (deferd/prefix_set.h); none for its
/// text.
class Intake {
 public:
  Intake(const FeedSpec& spec, const std::atomic<bool>& stop);

  /// The next bytes, as they come. Errors: invalid, as soon as it cannot become a list that `spec` takes; unavailable: stopped.
  Result<void> take(std::string_view bytes);
  /// Of all that came; once, at the end.
  std::string digest() { return digest_.hex(); }
  /// Once, at the end. Errors: invalid: it is none that `spec` takes.
  Result<Content> finish();

 private:
  const FeedSpec& spec_;
  const std::atomic<bool>& stop_;
  Digest digest_;
  ListReader reader_;
  Unpacker unpacker_;
};

}  // namespace deferd::blacklist
