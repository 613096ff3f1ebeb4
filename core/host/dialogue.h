// Asks the plugins: live for front ends (within a RestingDialogue), dry for `explain`.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "host/generation.h"
#include "host/pipeline.h"
#include "host/services.h"
#include "store/overlay.h"

namespace deferd {

class DialogueImpl : public Dialogue {
 public:
  enum class Mode : std::uint8_t { live, dry };

  /// What another Dialogue of the same session must know.
  struct Past {
    unsigned decisions = 0;  // so many have a number
    bool called = false;     // some plugin knows of the session
  };

  DialogueImpl(HostServices& services, Session&& session, Voice voice, Mode mode, Past past);
  ~DialogueImpl() override;

  Session& session() override { return session_; }
  void tag(std::string_view fact) override;
  const Decision& connect() override;
  const Decision& helo() override;
  const Decision& mail(std::string from) override;
  const Decision& rcpt(std::string to) override;
  void drop_last_recipient() override;
  const Decision& data() override;
  const Decision& headers() override;
  Duration accepted() override;
  bool client_is_white() override;
  void reset() override;
  std::uint32_t hooks() const override { return generation_->hooks(); }

  Past leave();  ///< The session goes on in another Dialogue: the end of this one is told to nobody.
  const std::vector<std::string>& front_end_tags() const { return front_end_tags_; }

 private:
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
  using Stages = std::uint8_t;  // a bit each

  /// Where a plugin writes that must change nothing.
  struct Overlay {
    Overlay(Tables& base, const Clock& clock) : tables(base, clock) {}
    OverlayTables tables;
    std::optional<OverlayStore> store;  // dry
  };

  /// What one plugin keeps. Small: a dialogue has one for each plugin.
  struct Seat {
    std::shared_ptr<Slot> slot;
    std::shared_ptr<Overlay> overlay;  // shadow and dry
  };

  /// What a plugin has said so far at a stage.
  struct Held {
    std::size_t seat;
    Answer answer;
  };

  void adopt(std::shared_ptr<Generation> generation);
  void look_for_exemption();
  void forget_envelope();
  CallScope scope(std::size_t index);
  HookResult call(std::size_t index, const HookCall& call);

  /// Asks, at one stage, every plugin above the present holder.
  void ask(Stage stage, const std::string* rcpt = nullptr);
  void ask_of_connection();  // unless it was done
  void hold(std::size_t seat, Answer answer);
  void forget(Stage stage);
  /// What counts at these stages: of the first plugin with an opinion, the one of its latest stage. nullptr: nobody has one.
  const Held* holding(Stages stages) const;
  std::size_t holder(Stages stages) const;  // its plugin; kNobody
  void begin(Stage stage);
  const Decision& decide(Stage stage, const std::string& rcpt = {});
  const Decision& decide_exempt(Stage stage, const std::string& rcpt = {});
  void finish(Stage stage);
  void tell_plugins(Hook hook);

  HostServices& services_;
  const Voice voice_;
  const Mode mode_;
  Session session_;
  std::shared_ptr<Generation> generation_;
  std::vector<Seat> seats_;
  std::vector<Held> held_;  // by plugin, then stage
  Decision decision_;
  std::optional<std::string> exempt_;
  std::vector<std::string> front_end_tags_;  // what the front end put there, kept across transactions
  /// Of `voice: data`, what the message will hear: the first deferral.
  struct Untold {
    Verdict verdict;
    std::string plugin;
  };
  std::unique_ptr<Untold> untold_;
  /// What the recipients that were let through say together.
  struct LetThrough {
    std::size_t holder = kNobody;  // plugins above it may still refuse the message
    Duration waited{};
  };
  LetThrough let_through_, before_last_;  // before_last_: without the last recipient
  bool connect_asked_ = false;
  bool helo_asked_ = false;
  Past past_;
};

}  // namespace deferd
