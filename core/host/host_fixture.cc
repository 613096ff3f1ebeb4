#include "host/host_fixture.h"

namespace deferd {

namespace {

// PluginInfo::make is a plain function: what it is to make is left here for it.
Script next_script;

class Scripted : public Plugin {
 public:
  explicit Scripted(Script script) : script_(std::move(script)) {}
  Verdict on_connect(Context& c) override { return script_.connect(c); }
  Verdict on_helo(Context& c) override { return script_.helo(c); }
  Verdict on_mail(Context& c) override { return script_.mail(c); }
  Verdict on_rcpt(Context& c, const std::string& rcpt) override { return script_.rcpt(c, rcpt); }
  Verdict on_data(Context& c) override { return script_.data(c); }
  Verdict on_headers(Context& c) override { return script_.headers(c); }
  Pace on_reply(Context& c, const Decision& d) override { return script_.reply(c, d); }
  void on_decided(Context& c, const Decision& d) override { script_.decided(c, d); }
  void on_accepted(Context& c) override { script_.accepted(c); }
  void on_disconnect(Context& c) override { script_.disconnect(c); }
  void on_tick(Context& c) override { script_.tick(c); }
  void on_table(Context& c, const TableEvent& e) override { script_.table(c, e); }
  Result<void> on_command(Context& c, std::string_view name, const Value& args, Rows& rows) override {
    return script_.command(c, name, args, rows);
  }

 private:
  Script script_;
};

std::uint32_t hooks_of(const Script& s) {
  return (s.connect ? hook::connect : 0) | (s.helo ? hook::helo : 0) | (s.mail ? hook::mail : 0) | (s.rcpt ? hook::rcpt : 0) |
         (s.data ? hook::data : 0) | (s.headers ? hook::headers : 0) | (s.reply ? hook::reply : 0) |
         (s.decided ? hook::decided : 0) | (s.accepted ? hook::accepted : 0) | (s.disconnect ? hook::disconnect : 0) |
         (s.tick ? hook::tick : 0) | (s.table ? hook::table : 0) | (s.command ? hook::command : 0);
}

/// Lives as long as the test program: instances refer to it.
const PluginInfo* info_of(const Script& script) {
  auto* info =
      new PluginInfo{DEFERD_PLUGIN_ABI_MAJOR,
                     DEFERD_PLUGIN_ABI_MINOR,
                     sizeof(PluginInfo),
                     kToolchain,
                     "scripted",
                     "1",
                     hooks_of(script),
                     [](const Value&, Host&) -> std::unique_ptr<Plugin> { return std::make_unique<Scripted>(next_script); },
                     [](const Value&, Problems&) {},
                     [](std::vector<FieldDoc>&) {}};
  static std::vector<std::unique_ptr<PluginInfo>> all;
  all.emplace_back(info);
  return info;
}

}  // namespace

void HostTest::use(const std::vector<std::pair<std::string, Script>>& scripts, Voice voice) {
  std::vector<std::pair<PluginOptions, Script>> with_options;
  for (const auto& [name, script] : scripts) {
    PluginOptions options;
    options.as = name;
    with_options.emplace_back(options, script);
  }
  use_with(with_options, voice);
}

void HostTest::use_with(const std::vector<std::pair<PluginOptions, Script>>& scripts, Voice voice) {
  std::vector<std::shared_ptr<Instance>> instances;
  for (const auto& [options, script] : scripts) {
    PluginEntry entry;
    entry.plugin = "scripted";
    entry.options = options;
    next_script = script;
    instances.push_back(std::make_shared<Instance>(*info_of(script), entry, parts_));
  }
  voice_ = voice;
  Problems problems;
  pipeline_.use(std::make_shared<Generation>(std::move(instances), Exempt::build(exempt_, problems), pipeline_.runner()));
}

std::unique_ptr<Dialogue> HostTest::open(const std::string& client) {
  Session session;
  session.client = or_throw(Address::parse(client));
  session.front_end = "milter";
  session.helo = "client.example";
  return pipeline_.open(std::move(session), voice_);
}

Decision HostTest::rcpt(const std::string& to, const std::string& from) {
  auto dialogue = open();
  dialogue->mail(from);
  return dialogue->rcpt(to);
}

}  // namespace deferd
