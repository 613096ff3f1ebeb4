// One answer for all the lists that a client is on.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config.h"
#include "deferd/verdict.h"

namespace deferd::blacklist {

/// Give it the lists a client is on, in their order.
class Hits {
 public:
  explicit Hits(const Address& client) : client_(client) {}

  void add(std::string_view list, ListAction action, std::string_view message, const std::vector<std::string>& tags);
  bool empty() const { return names_.empty(); }

  /// The first list that does more than tag decides; all that turn the client away have their say, each text once.
  Verdict verdict() const;

 private:
  static constexpr std::size_t kMostLines = 20;  // of a reply

  const Address client_;
  std::string names_;
  std::vector<std::string> tags_;
  ListAction action_ = ListAction::tag;
  std::vector<std::string> messages_;
};

}  // namespace deferd::blacklist
