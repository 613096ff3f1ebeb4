// What all lists come to, for other plugins: pfbridge takes who is listed out of the packet filter's white table.
#pragma once
#include <memory>
#include <vector>

#include "config_port.h"
#include "deferd/host.h"
#include "feed.h"
#include "plan.h"

namespace deferd::blacklist {

/// One thread at a time. Shows kBlack: whoever is on a list that turns away or tags, and on no white list that is taken out of
/// it. Nothing is made unless somebody wants it.
class Shown {
 public:
  /// `socket` may be null: no lists come by a port. `plan` and `host` outlive it.
  Shown(const Plan& plan, ListAction port_action, std::vector<std::shared_ptr<Feed>> feeds, std::shared_ptr<ConfigSocket> socket,
        Host& host);

  /// Shows it anew if a list has changed.
  void update();

 private:
  /// A set of addresses, less others.
  struct Part {
    PrefixSet listed;
    std::vector<PrefixSet> white;
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts() const;
  bool white_of(const std::vector<std::size_t>& feeds, std::vector<PrefixSet>& white) const;

  const Plan& plan_;
  const ListAction port_action_;
  const std::vector<std::shared_ptr<Feed>> feeds_;
  const std::shared_ptr<ConfigSocket> socket_;
  Host& host_;
  bool showing_ = false;
  std::vector<Part> shown_;
};

}  // namespace deferd::blacklist
