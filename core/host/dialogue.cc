#include "host/dialogue.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace deferd {

namespace {

constexpr std::uint8_t bit(Stage stage) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(stage)); }

/// Whose answers count when this stage is decided.
constexpr std::uint8_t stages_that_count_at(Stage stage) {
  // What was said of connection and sender has counted at the recipients; the message is judged by what is new.
  if (stage == Stage::data || stage == Stage::headers) return bit(stage);
  return static_cast<std::uint8_t>(bit(stage) | (bit(stage) - 1u));
}

// A stage's hook has the same number.
Hook hook_of(Stage stage) { return static_cast<Hook>(stage); }
static_assert(static_cast<int>(Hook::headers) == static_cast<int>(Stage::headers));

std::string decision_id(std::uint64_t session, unsigned number) {
  static constexpr char digits[] = "0123456789abcdef";
  char id[32];
  for (int i = 15; i >= 0; --i, session >>= 4) id[i] = digits[session & 15];
  id[16] = '.';
  const auto* end = std::to_chars(id + 17, std::end(id), number).ptr;
  return std::string(id, static_cast<std::size_t>(end - id));
}

/// A pass that tells nothing. Most answers are.
bool says_nothing(const HookResult& result) {
  const auto& verdict = result.verdict;
  return result.fault.empty() && verdict.action == Action::pass && verdict.reason.empty() && verdict.tags.empty() &&
         verdict.waited == Duration::zero();
}

Verdict fallback(OnError on_error) {
  if (on_error == OnError::pass) return Verdict::pass();
  return Verdict::defer({451, "4.3.0", "Temporary problem, please try again later"}, "the plugin failed");
}

}  // namespace

DialogueImpl::DialogueImpl(HostServices& services, Session&& session, Voice voice, Mode mode, Past past)
    : services_(services), voice_(voice), mode_(mode), session_(std::move(session)), past_(past) {
  front_end_tags_ = session_.tags;
  adopt(services_.current());
}

DialogueImpl::~DialogueImpl() {
  if (past_.called) tell_plugins(Hook::disconnect);
}

DialogueImpl::Past DialogueImpl::leave() {
  const auto past = past_;
  past_.called = false;
  return past;
}

void DialogueImpl::tag(std::string_view fact) {
  if (std::find(front_end_tags_.begin(), front_end_tags_.end(), fact) != front_end_tags_.end()) return;
  front_end_tags_.emplace_back(fact);
  session_.tags.emplace_back(fact);
}

void DialogueImpl::adopt(std::shared_ptr<Generation> generation) {
  generation_ = std::move(generation);
  held_.clear();
  seats_.clear();
  seats_.resize(generation_->instances().size());
  connect_asked_ = helo_asked_ = false;
}

void DialogueImpl::look_for_exemption() {
  exempt_ = generation_->exempt().reason(session_);
  if (exempt_ && !session_.tagged("exempt")) session_.tags.emplace_back("exempt");
}

CallScope DialogueImpl::scope(std::size_t index) {
  auto& instance = *generation_->instances()[index];
  auto& seat = seats_[index];
  Store* store = &instance.store();
  Tables* tables = &services_.parts.engine.tables();
  const bool dry = mode_ == Mode::dry;
  if ((dry || instance.options().shadow) && !seat.overlay)
    seat.overlay = std::make_shared<Overlay>(*tables, services_.parts.clock);
  if (dry && !seat.overlay->store) seat.overlay->store.emplace(*store, services_.parts.clock);
  if (seat.overlay) {
    tables = &seat.overlay->tables;
    if (seat.overlay->store) store = &*seat.overlay->store;
  }
  return {session_, *store, *tables, seat.slot, dry, seat.overlay};
}

HookResult DialogueImpl::call(std::size_t index, const HookCall& call) {
  past_.called = mode_ == Mode::live;
  return services_.runner.run(generation_->instances()[index], scope(index), call);
}

void DialogueImpl::hold(std::size_t seat, Answer answer) {
  const auto place = std::find_if(held_.begin(), held_.end(), [&](const Held& other) {
    return other.seat > seat || (other.seat == seat && other.answer.stage > answer.stage);
  });
  held_.insert(place, Held{seat, std::move(answer)});
}

void DialogueImpl::forget(Stage stage) {
  std::erase_if(held_, [stage](const Held& held) { return held.answer.stage == stage; });
}

const DialogueImpl::Held* DialogueImpl::holding(Stages stages) const {
  const Held* found = nullptr;
  for (const auto& held : held_) {
    if (held.answer.shadow || held.answer.verdict.action == Action::pass || (stages & bit(held.answer.stage)) == 0) continue;
    if (found != nullptr && found->seat != held.seat) break;
    found = &held;
  }
  return found;
}

std::size_t DialogueImpl::holder(Stages stages) const {
  const auto* held = holding(stages);
  return held != nullptr ? held->seat : kNobody;
}

void DialogueImpl::ask(Stage stage, const std::string* rcpt) {
  auto& instances = generation_->instances();
  forget(stage);
  // At data and headers, whoever let the recipients in by an `accept` protects the message from plugins below.
  auto end = holder(stages_that_count_at(stage));
  if (stage == Stage::data || stage == Stage::headers) end = std::min(end, let_through_.holder);
  for (std::size_t i = 0; i < std::min(end, instances.size()); ++i) {
    auto& instance = *instances[i];
    if (!instance.has(hook_of(stage))) continue;
    HookCall hook_call;
    hook_call.hook = hook_of(stage);
    hook_call.rcpt = rcpt;
    auto result = call(i, hook_call);
    if (mode_ == Mode::live && says_nothing(result)) {
      instance.count(stage, Action::pass);
      continue;
    }
    Answer answer;
    answer.plugin = instance.name();
    answer.stage = stage;
    answer.shadow = instance.options().shadow;
    answer.fault = std::move(result.fault);
    answer.verdict = answer.fault.empty() ? std::move(result.verdict) : fallback(instance.options().on_error);
    if (mode_ == Mode::live) instance.count(stage, answer.verdict.action);
    if (!answer.shadow) session_.tags.insert(session_.tags.end(), answer.verdict.tags.begin(), answer.verdict.tags.end());
    const bool decided = !answer.shadow && answer.verdict.action != Action::pass;
    hold(i, std::move(answer));
    if (decided) break;
  }
}

void DialogueImpl::begin(Stage stage) {
  decision_ = Decision{};
  decision_.stage = stage;
  // What is told to nobody takes no number.
  if (stage >= Stage::rcpt || voice_ == Voice::connect) ++past_.decisions;
  decision_.id = decision_id(session_.id, past_.decisions);
}

const Decision& DialogueImpl::decide(Stage stage, const std::string& rcpt) {
  const auto stages = stages_that_count_at(stage);
  begin(stage);
  decision_.rcpt = rcpt;
  if (const auto* held = holding(stages)) {
    decision_.verdict = held->answer.verdict;
    decision_.plugin = held->answer.plugin;
  }
  for (const auto& [seat, answer] : held_) {
    if ((stages & bit(answer.stage)) == 0) continue;
    decision_.trace.push_back(answer);
    if (!answer.shadow) decision_.waited = std::max(decision_.waited, answer.verdict.waited);
  }
  finish(stage);
  return decision_;
}

const Decision& DialogueImpl::decide_exempt(Stage stage, const std::string& rcpt) {
  begin(stage);
  decision_.rcpt = rcpt;
  decision_.verdict = Verdict::accept(*exempt_);
  decision_.plugin = "exempt";
  finish(stage);
  return decision_;
}

void DialogueImpl::finish(Stage stage) {
  if (mode_ == Mode::dry) return;
  if (stage < Stage::rcpt) decision_.voiced = voice_ == Voice::connect;
  if (stage == Stage::rcpt && voice_ == Voice::data && decision_.verdict.action == Action::defer) {
    decision_.voiced = false;
    if (!untold_) untold_ = std::make_unique<Untold>(Untold{decision_.verdict, decision_.plugin});
  }
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    auto& instance = *generation_->instances()[i];
    if (stage == Stage::rcpt && instance.has(Hook::decided)) {
      HookCall hook_call;
      hook_call.hook = Hook::decided;
      hook_call.decision = &decision_;
      call(i, hook_call);
    }
    if (!exempt_ && instance.has(Hook::reply)) {
      HookCall hook_call;
      hook_call.hook = Hook::reply;
      hook_call.decision = &decision_;
      const auto wish = call(i, hook_call).pace;
      if (!instance.options().shadow) decision_.pace.combine(wish);
    }
  }
  // What is only told at DATA was written down when it was decided.
  const bool written = stage == Stage::data && untold_ != nullptr;
  if (stage == Stage::rcpt || (decision_.voiced && !decision_.lets_through() && !written))
    services_.log.write(session_, decision_);
}

void DialogueImpl::ask_of_connection() {
  if (std::exchange(connect_asked_, true)) return;
  ask(Stage::connect);
}

const Decision& DialogueImpl::connect() {
  past_.called = mode_ == Mode::live;  // told of its end, also if it leaves before any plugin had a say
  look_for_exemption();
  if (exempt_) return decide_exempt(Stage::connect);
  ask_of_connection();
  return decide(Stage::connect);
}

const Decision& DialogueImpl::helo() {
  past_.called = mode_ == Mode::live;
  look_for_exemption();
  if (exempt_) return decide_exempt(Stage::helo);
  ask_of_connection();
  helo_asked_ = true;
  ask(Stage::helo);
  return decide(Stage::helo);
}

const Decision& DialogueImpl::mail(std::string from) {
  forget_envelope();
  if (auto newest = services_.current(); newest != generation_) adopt(std::move(newest));
  session_.mail_from = std::move(from);
  look_for_exemption();
  if (exempt_) return decide_exempt(Stage::mail);
  ask_of_connection();
  if (!helo_asked_) {
    helo_asked_ = true;
    ask(Stage::helo);
  }
  ask(Stage::mail);
  return decide(Stage::mail);
}

const Decision& DialogueImpl::rcpt(std::string to) {
  if (exempt_) {
    session_.rcpt_to.push_back(to);
    return decide_exempt(Stage::rcpt, to);
  }
  const auto tags = session_.tags.size();
  ask(Stage::rcpt, &to);
  const auto& decision = decide(Stage::rcpt, to);
  if (decision.lets_through()) {
    const auto index = holder(stages_that_count_at(Stage::rcpt));
    before_last_ = let_through_;
    let_through_.holder = session_.rcpt_to.empty() ? index : std::max(let_through_.holder, index);
    let_through_.waited = std::max(let_through_.waited, decision.waited);
    session_.rcpt_to.push_back(std::move(to));
  }
  session_.tags.resize(tags);  // a recipient's tags are that recipient's
  return decision;
}

void DialogueImpl::drop_last_recipient() {
  session_.rcpt_to.pop_back();
  let_through_ = before_last_;
}

const Decision& DialogueImpl::data() {
  if (exempt_) return decide_exempt(Stage::data);
  if (untold_) {
    begin(Stage::data);
    decision_.verdict = untold_->verdict;
    decision_.plugin = untold_->plugin;
    finish(Stage::data);
    return decision_;
  }
  if (generation_->has(Hook::data)) ask(Stage::data);
  return decide(Stage::data);
}

const Decision& DialogueImpl::headers() {
  if (exempt_) return decide_exempt(Stage::headers);
  if (generation_->has(Hook::headers)) ask(Stage::headers);
  return decide(Stage::headers);
}

Duration DialogueImpl::accepted() {
  if (mode_ == Mode::live) tell_plugins(Hook::accepted);
  return let_through_.waited;
}

bool DialogueImpl::client_is_white() {
  auto& tables = services_.parts.engine.tables();
  const auto trapped = tables.find(kTrapped, session_.client);
  if (!trapped || trapped->row) return false;
  const auto white = tables.find(kWhite, session_.client);
  return white && white->row;
}

void DialogueImpl::tell_plugins(Hook hook) {
  if (!generation_->has(hook)) return;
  for (std::size_t i = 0; i < seats_.size(); ++i)
    if (generation_->instances()[i]->has(hook)) {
      HookCall hook_call;
      hook_call.hook = hook;
      call(i, hook_call);
    }
}

void DialogueImpl::forget_envelope() {
  std::erase_if(held_, [](const Held& held) { return held.answer.stage >= Stage::mail; });
  for (auto& seat : seats_) seat.slot.reset();
  session_.mail_from.clear();
  session_.rcpt_to.clear();
  session_.headers.clear();
  session_.tags = front_end_tags_;
  for (const auto& [seat, answer] : held_)  // what was found out of the connection stays
    if (!answer.shadow) session_.tags.insert(session_.tags.end(), answer.verdict.tags.begin(), answer.verdict.tags.end());
  exempt_.reset();
  untold_.reset();
  let_through_ = before_last_ = {};
}

void DialogueImpl::reset() {
  forget_envelope();
  session_.mail_parameters.clear();
}

}  // namespace deferd
