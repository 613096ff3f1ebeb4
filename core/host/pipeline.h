// Who is asked, and whose answer counts.
//
// The decision on a recipient is the verdict of the first plugin *in configuration order* that gave one, each counting with its
// narrowest scope (rcpt, else mail, helo, connect). At each stage only plugins above the present holder are asked: those below
// could not win. Exempt clients are decided before any plugin. A transaction (MAIL to the next MAIL) keeps one generation of
// plugins.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/plugin.h"

namespace deferd {

class Generation;
class HookRunner;
class Dialogue;
struct HostParts;

/// When a decision is told to the client.
enum class Voice : std::uint8_t { connect, rcpt, data };
template <>
struct Choices<Voice> {
  static constexpr std::pair<std::string_view, Voice> values[] = {
      {"connect", Voice::connect}, {"rcpt", Voice::rcpt}, {"data", Voice::data}};
};

/// Thread-safe. What front ends and the control socket talk to.
class Pipeline {
 public:
  explicit Pipeline(HostParts& parts);
  ~Pipeline();

  /// New transactions use `generation`; running ones keep theirs.
  void use(std::shared_ptr<Generation> generation);
  std::shared_ptr<Generation> current() const;

  /// One client's connection. `session` holds what is known at connect (id 0: one is given); `voice` is its front end's.
  std::unique_ptr<Dialogue> open(Session&& session, Voice voice);

  /// What the plugins of the running configuration would say now, on an overlay: nothing is written, counted or logged.
  Decision explain(const Session& session, const std::string& rcpt);

  /// A command of `deferctl` to one plugin (its configured name), or, with an empty name, to all that take commands; then plugins
  /// that do not know it are passed over. Errors: not_found (no such plugin, or nobody knows the command), and the plugin's.
  Result<void> command(std::string_view plugin, std::string_view command, const Value& args, Rows& rows);

  HookRunner& runner();    ///< For make_generation() and background work.
  void flush_decisions();  ///< Waits until decisions made so far are on record.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One client's connection, used by one thread at a time (any thread). Calls block while plugins think, never longer than their
/// budgets allow; they do not throw. Decisions returned stay valid until the next call.
class Dialogue {
 public:
  virtual ~Dialogue() = default;  ///< Tells plugins of the end of the session.

  /// The front end fills in what it learns, before the call of the stage it belongs to.
  virtual Session& session() = 0;

  /// A fact about the connection for the plugins asked from now on ("smtp.early-talker"); it stays for the whole session.
  virtual void tag(std::string_view fact) = 0;

  /// Only for front ends that tell (or slow) a client that early; else mail() asks these hooks. (In the milter nothing is asked
  /// before MAIL, so that authentication is known, unless `voice: connect`.)
  virtual const Decision& connect() = 0;
  virtual const Decision& helo() = 0;

  /// Begins a transaction; forgets the former envelope. `from` without <>.
  virtual const Decision& mail(std::string from) = 0;

  /// Decides one recipient (without <>). If it is let through it joins session().rcpt_to. If !voiced, answer 250 and let data()
  /// tell.
  virtual const Decision& rcpt(std::string to) = 0;

  /// The MTA does not want the recipient that joined last: it leaves session().rcpt_to, and how it was let in no longer counts.
  virtual void drop_last_recipient() { session().rcpt_to.pop_back(); }

  /// All recipients known. With `voice: data` the deferral of the first deferred recipient; it was logged there.
  virtual const Decision& data() = 0;

  /// session().headers are filled in.
  virtual const Decision& headers() = 0;

  /// The message reached its end and is let in; the longest time it was kept waiting, for the header (0: not at all).
  virtual Duration accepted() = 0;

  /// The client has a row in the table `white` and none in `trapped`, now. Asks the store; an error is a no.
  virtual bool client_is_white() { return false; }

  virtual void reset() = 0;  ///< RSET, abort: the transaction is over, its parameters too; the session goes on.

  /// If nothing is to be asked for long: the transaction is over, and most of its memory is given back, with what plugins have
  /// said; they are asked anew of connection and HELO. It goes on with the next call of any kind but reset(), hooks() and rest().
  virtual void rest() {}

  /// Bits of deferd::hook: what any plugin of this transaction's generation wants. For negotiation.
  virtual std::uint32_t hooks() const = 0;
};

/// Pipeline::open(), or a test's.
using OpenDialogue = std::function<std::unique_ptr<Dialogue>(Session&&, Voice)>;

}  // namespace deferd
