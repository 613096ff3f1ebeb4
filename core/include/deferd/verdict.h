// What a plugin says, and what counts in the end.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferd/time.h"

namespace deferd {

/// A small closed set. There is no "discard": mail never vanishes.
enum class Action : std::uint8_t {
  pass,    ///< No opinion; the next plugin is asked.
  accept,  ///< Let it through, whatever later plugins think.
  defer,   ///< 4xx: come back later.
  reject,  ///< 5xx.
  close,   ///< Reply (421 unless given) and hang up.
};
std::string_view to_string(Action action);

enum class Stage : std::uint8_t { connect, helo, mail, rcpt, data, headers };
std::string_view to_string(Stage stage);

/// What a stranger hears. Generic words: it names no list, host or rule. RFC 5321 section 4.2, RFC 3463.
struct Reply {
  int code = 0;          ///< 0: the front end's default for the action.
  std::string enhanced;  ///< "4.7.1", or empty.
  std::string text;      ///< `\n` between the lines of a multi-line reply.
  std::uint64_t reserved[2] = {};
};

/// A plugin's whole answer at one stage. A hook answers; it never acts.
/// It binds its subject: connect/helo the session, mail/data/headers the message, rcpt that recipient.
struct Verdict {
  Action action = Action::pass;
  Reply reply{};
  std::string reason;             ///< For our log and `explain`, never for the client.
  std::vector<std::string> tags;  ///< Facts for later plugins: "traplist.hit", "greylist.profile=slow".
  Time due{};                     ///< If deferred: from when a retry would pass, as far as known; 0 is unknown.
  Duration waited{};              ///< If it passed: for how long we kept this mail waiting (header, histogram).
  std::uint64_t reserved[4] = {};

  static Verdict pass(std::string reason = {}) { return make(Action::pass, {}, std::move(reason)); }
  static Verdict accept(std::string reason) { return make(Action::accept, {}, std::move(reason)); }
  static Verdict defer(Reply reply, std::string reason) { return make(Action::defer, std::move(reply), std::move(reason)); }
  static Verdict reject(Reply reply, std::string reason) { return make(Action::reject, std::move(reply), std::move(reason)); }
  static Verdict close(Reply reply, std::string reason) { return make(Action::close, std::move(reply), std::move(reason)); }

  Verdict&& tagged(std::string tag) && {
    tags.push_back(std::move(tag));
    return std::move(*this);
  }
  Verdict&& due_at(Time time) && {
    due = time;
    return std::move(*this);
  }
  Verdict&& after_waiting(Duration duration) && {
    waited = duration;
    return std::move(*this);
  }

 private:
  static Verdict make(Action action, Reply reply, std::string reason) {
    Verdict verdict;
    verdict.action = action;
    verdict.reply = std::move(reply);
    verdict.reason = std::move(reason);
    return verdict;
  }
};

/// How slowly the client hears the reply: on_reply's wish. What several plugins wish is combined: of each member the most counts.
struct Pace {
  std::chrono::milliseconds delay{};     ///< Nothing is sent for so long.
  std::chrono::milliseconds per_byte{};  ///< Stutter: this long before each byte of this reply and of those that follow.
  std::chrono::milliseconds during{};    ///< The stutter ends when the connection is so old; 0: it goes on to the end.
  /// Worth holding on to: recipients are answered 250 and the message is taken up to some lines of its body; what was decided is
  /// told then. Only for clients that are turned away.
  bool hold = false;
  std::uint64_t reserved[2] = {};

  void combine(const Pace& other);
  bool operator==(const Pace&) const = default;
};

/// One plugin's answer within a decision. Passed by reference only, so it may grow at its end.
struct Answer {
  std::string plugin;
  Stage stage = Stage::rcpt;  ///< Where it was given: a connect verdict may decide a recipient.
  Verdict verdict;
  bool shadow = false;  ///< Asked, but does not count.
  std::string fault;    ///< "", or why the answer is on_error's: "timeout", "exception: ...", "quarantined".
};

/// What counts in the end for one stage, and how it came about. By reference only, so it may grow at its end.
struct Decision {
  Stage stage = Stage::rcpt;  ///< What was decided on.
  std::string rcpt;           ///< At Stage::rcpt.
  std::string id;             ///< The log id: `<session>.<n>`; what `deferctl explain` and `release` take.
  Verdict verdict;            ///< Action pass when nobody objected.
  std::string plugin;         ///< Whose verdict it is; empty if nobody's; "exempt" for exempt clients.
  std::vector<Answer> trace;  ///< Who was asked, in configuration order; of real mail, who had something to say.
  Duration waited{};          ///< The longest `waited` among the answers.
  Pace pace{};                ///< What plugins wish of on_reply, combined.
  bool voiced = true;         ///< False: tell the client 250 now, the decision is told at DATA (`voice: data`).

  bool lets_through() const { return verdict.action == Action::pass || verdict.action == Action::accept; }
};

}  // namespace deferd
