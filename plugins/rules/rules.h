// The operator's own policy: an ordered list of rules, asked at each recipient, of which the first that matches decides.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "config.h"
#include "deferd/plugin.h"

namespace deferd::rules {

/// What a rule is asked about.
struct Question {
  const Session& session;
  const std::string& rcpt;
  const std::vector<std::string>& tags;  ///< Given by rules above.
  LocalMinute now;
};

/// Conditions made ready to be asked. Immutable.
class Matcher {
 public:
  using Check = std::function<bool(const Question&)>;
  explicit Matcher(std::vector<Check> checks) : checks_(std::move(checks)) {}
  bool all(const Question& question) const;
  bool any(const Question& question) const;

 private:
  std::vector<Check> checks_;
};

/// Immutable after its making, which reads the lists' files and throws ErrorException if one is wrong.
class Rules : public Plugin {
 public:
  using Config = rules::Config;
  Rules(const Config& config, Host& host);

  Verdict on_rcpt(Context& context, const std::string& rcpt) override;

 private:
  struct Rule {
    std::string title;  // for reasons
    Matcher when;
    Matcher unless;
    Do action;
    Reply reply;
    std::vector<std::string> tags;
    std::vector<std::pair<std::string, std::string>> set;
    Counter* matched;
  };

  static void give_tags(const Rule& rule, std::vector<std::string>& tags);

  std::vector<Rule> rules_;
  bool asks_time_ = false;
};

}  // namespace deferd::rules
