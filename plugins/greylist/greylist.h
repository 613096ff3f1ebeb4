// Greylisting: a stranger's first try is deferred, its retry passes, and then it is known. README.md tells how it decides.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "answer.h"
#include "config.h"
#include "connect_record.h"
#include "deferd/plugin.h"
#include "identity.h"
#include "profile.h"
#include "quota.h"

namespace deferd::greylist {

/// The source of our rows in the table `white`.
inline constexpr std::string_view kSource = "greylist";

struct Attempt;

class Greylist : public Plugin {
 public:
  using Config = greylist::Config;
  Greylist(Config config, Host& host);

  Verdict on_rcpt(Context& context, const std::string& rcpt) override;
  void on_decided(Context& context, const Decision& decision) override;
  void on_accepted(Context& context) override;
  void on_disconnect(Context& context) override;
  Result<void> on_command(Context& context, std::string_view command, const Value& args, Rows& rows) override;

 private:
  const Profile& profile_for(Context& context);
  Verdict answer(Context& context, const Attempt& attempt, Outcome outcome);

  std::vector<Change> judge(Context& context, Attempt& attempt, std::span<const Record> records, Outcome& outcome);
  std::vector<Change> judge_spamd(Context& context, Attempt& attempt, std::span<const Record> records, Outcome& outcome);
  bool look_elsewhere(Context& context, const Attempt& attempt, bool corresponds, Outcome& outcome);
  bool within_quota(Context& context, Attempt& attempt);
  bool known_senders_on() const { return config_.known_senders.pairs > 0; }
  void effects(Context& context, const Attempt& attempt, const Outcome& outcome);
  void forget_connection(Context& context, const Attempt& attempt);
  void make_white(Context& context, const Profile& profile, std::string evidence);

  template <class T>
  std::optional<T> decoded(Context& context, const Record& record, std::optional<T> (*decode)(std::string_view));

  const Config config_;
  const std::vector<Profile> profiles_;
  std::shared_ptr<Quota> quota_;
  std::shared_ptr<SessionMarks> marks_;
  std::array<Counter*, kAnswerCount> answers_{};
  Counter& unreadable_;
  Histogram& delay_;
  std::atomic<bool> unknown_profile_logged_ = false;
};

}  // namespace deferd::greylist
