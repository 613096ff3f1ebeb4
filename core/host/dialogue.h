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

  DialogueImpl(HostServices& services, Session session, Voice voice, Mode mode, Past past);
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

  /// What one plugin has said so far, and what it keeps.
  struct Seat {
    std::vector<Answer> answers;  // at most one of a stage
    const Answer* at(Stage stage) const;
    void forget(Stage stage);
    std::shared_ptr<Slot> slot = std::make_shared<Slot>();
    std::shared_ptr<OverlayTables> overlay_tables;  // shadow and dry
    std::shared_ptr<OverlayStore> overlay_store;    // dry
  };

  void adopt(std::shared_ptr<Generation> generation);
  void look_for_exemption();
  void forget_envelope();
  CallScope scope(std::size_t index);
  HookResult call(std::size_t index, const HookCall& call);

  /// Asks, at one stage, every plugin above the present holder.
  void ask(Stage stage, const std::string* rcpt = nullptr);
  void ask_of_connection();  // unless it was done
  /// Index of the plugin whose verdict counts at these stages, narrowest first within each plugin; kNobody.
  std::size_t holder(std::span<const Stage> narrowest_first) const;
  const Answer* narrowest(const Seat& seat, std::span<const Stage> narrowest_first) const;
  void begin(Stage stage);
  const Decision& decide(Stage stage, std::span<const Stage> narrowest_first, const std::string& rcpt = {});
  const Decision& decide_exempt(Stage stage, const std::string& rcpt = {});
  void finish(Stage stage);
  void tell_plugins(Hook hook);

  HostServices& services_;
  const Voice voice_;
  const Mode mode_;
  Session session_;
  std::shared_ptr<Generation> generation_;
  std::vector<Seat> seats_;
  std::shared_ptr<Decision> decision_;
  std::optional<std::string> exempt_;
  std::vector<std::string> front_end_tags_;  // what the front end put there, kept across transactions
  std::optional<Verdict> untold_;            // voice: data; the first deferral
  std::string untold_plugin_;
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
