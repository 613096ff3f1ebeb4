#include "ctl/arguments.h"

namespace deferd::ctl {
namespace {

constexpr const char* kSocket = DEFERD_CONTROL_SOCKET;

void describe_reading(CLI::App& app, Arguments& arguments) {
  app.add_subcommand("status", "Is it well, and since when does it run");
  auto* list = app.add_subcommand("list", "Print a table: white, grey or trapped; or the trap addresses that were added");
  list->add_option("table", arguments.table, "white, grey, trapped or traps")
      ->required()
      ->check(CLI::IsMember({"white", "grey", "trapped", "traps"}));
  auto* show = app.add_subcommand("show", "All that is known of a client or a mail address");
  show->add_option("key", arguments.what, "Address, prefix or mail address")->required();

  auto* explain = app.add_subcommand("explain", "What would be decided, or what was and would be now; changes nothing");
  explain->add_option("what", arguments.what, "Address of a client, or the id of a line of the log")->required();
  explain->add_option("--helo", arguments.helo, "What the client calls itself");
  explain->add_option("--from", arguments.from, "Sender; '<>' is the null sender");
  explain->add_option("--to", arguments.to, "Recipient");
  explain->add_option("--name", arguments.name, "Verified reverse name of the client");

  auto* plugins = app.add_subcommand("plugins", "The plugins, in the order asked");
  plugins->add_flag("--order", arguments.order, "Who is asked at which stage");
  auto* stats = app.add_subcommand("stats", "What was decided since the start");
  stats->add_flag("--watch", arguments.watch, "Again and again, with the rate in between");
  stats->add_option("--every", arguments.every, "How often --watch prints")->default_str("2s");
  stats->add_option("-n", arguments.count, "Stop after so many prints");

  auto* spf = app.add_subcommand("spf", "The SPF records of domains: deferctl spf walk DOMAIN");
  spf->require_subcommand(1);
  spf->fallthrough();
  auto* walk = spf->add_subcommand("walk", "Print the prefixes that they authorise, for a file of exempt clients");
  walk->add_option("domain", arguments.domains, "Domains of mail addresses")->required();
  walk->add_option("--server", arguments.server, "Ask this DNS server, ADDRESS or ADDRESS:PORT, not the system's");

  auto* rules = app.add_subcommand("pf-rules", "Print the packet filter's rules that fit the running deferd");
  rules->add_option("system", arguments.what, "openbsd, freebsd or nft; without: this host's")
      ->check(CLI::IsMember({"openbsd", "freebsd", "nft"}));
  rules->add_option("--interface", arguments.interface, "Where strangers come in");
  rules->add_flag("--listed-only", arguments.listed_only, "Redirect only who is listed or trapped");
  app.add_subcommand("doctor", "Look at all that may be set up wrong around deferd, and say what to do");

  auto* lists = app.add_subcommand("lists", "The block lists; one of them anew; those an address is on");
  auto* verb = lists->add_option("do", arguments.verb, "refresh or test; without: show them all")
                   ->check(CLI::IsMember({"refresh", "test"}));
  auto* subject = lists->add_option("what", arguments.what, "refresh: name of a list; test: an address");
  verb->needs(subject);
  auto* bridge = app.add_subcommand("bridge", "The packet filter's tables; read them back; remove what the guard holds");
  bridge->add_option("do", arguments.verb, "reconcile or adopt; without: show them all")
      ->check(CLI::IsMember({"reconcile", "adopt"}));
}

void describe_changing(CLI::App& app, Arguments& arguments) {
  auto* add = app.add_subcommand("add", "Let a client pass, trap one, or make a mail address a trap: deferctl add white PREFIX");
  add->add_option("table", arguments.table, "white, trapped or trap")
      ->required()
      ->check(CLI::IsMember({"white", "trapped", "trap"}));
  add->add_option("what", arguments.what, "Address or prefix; of a trap a mail address")->required();
  add->add_option("--for", arguments.lasting,
                  "For how long: 12h, 36d (default of white), 1d (of trapped), never (it never ends)");
  add->add_option("--note", arguments.note, "Your own words, kept with it");
  auto* remove = app.add_subcommand(
      "delete", "Forget a client: its rows in white and trapped, and what plugins learned of it; or an added trap");
  remove->add_option("client", arguments.what, "Address or prefix; of a trap a mail address")->required();
  auto* release = app.add_subcommand("release", "Let a deferred mail pass at its next try");
  release->add_option("id", arguments.what, "The id of its line of the log")->required();
  auto* expect = app.add_subcommand("expect", "Delay no mail to a recipient for a while");
  expect->add_option("recipient", arguments.what, "Mail address")->required();
  expect->add_option("--from", arguments.from, "Only from senders of this domain");
  expect->add_option("--for", arguments.lasting, "For how long: 15m")->required();
  auto* taken = app.add_subcommand("import", "Take over what another greylister knows; what is known already is kept");
  taken->add_option("file", arguments.what, "What it has written; - is the standard input")->required();
  taken->add_option("--format", arguments.format, "How it is written; spamdb unless told otherwise")
      ->check(CLI::IsMember({"spamdb", "list", "postgrey", "milter-greylist"}));
  taken->add_option("--for", arguments.lasting, "How long those of a list are white: 36d unless told otherwise");
  taken->add_flag("--dry-run", arguments.dry_run, "Change nothing, and count what would be changed");
  auto* out = app.add_subcommand("export", "Print what is known, for import elsewhere, in order");
  out->add_option("--format", arguments.format, "spamdb (default): everything; list: the white clients")
      ->check(CLI::IsMember({"spamdb", "list"}));
  app.add_subcommand("reload", "Read the configuration again");
  auto* backup = app.add_subcommand("backup", "Copy the store while it is in use");
  backup->add_option("directory", arguments.what, "Where to; the daemon's user must be able to write there")->required();
}

void describe_migrate(CLI::App& app, Arguments& arguments) {
  auto* migrate = app.add_subcommand("migrate", "Take over from another greylister: deferctl migrate spamd");
  migrate->require_subcommand(1);
  migrate->fallthrough();
  auto* spamd = migrate->add_subcommand("spamd", "Print a configuration in spamd's place, and import what spamd knows");
  spamd->add_option("dump", arguments.what, "What spamdb prints; - is the standard input. Without: spamdb is run");
  spamd->add_flag("--dry-run", arguments.dry_run, "Change nothing, and count what would be changed");
  spamd->add_option("--spamd-conf", arguments.spamd_conf, "spamd.conf; without: /etc/mail/spamd.conf, if there is one");
  spamd->add_option("--flags", arguments.flags, "spamd's flags, as one word");
  spamd->add_option("--rc", arguments.rc, "A file with them: spamd_flags; without: /etc/rc.conf.local, if there is one");
  spamd->add_option("--spamd-white", arguments.white_file, "Members of <spamd-white>; without: pfctl is run");
  spamd->add_option("--nospamd", arguments.nospamd_file, "Members of <nospamd>; without: pfctl is run");
  spamd->add_option("--rules", arguments.rules, "The packet filter's rules; without: /etc/pf.conf, if there is one");
}

}  // namespace

void describe(CLI::App& app, Arguments& arguments) {
  app.description("Looks into and steers a running deferd");
  app.add_option("-s,--socket", arguments.socket, "Control socket of the daemon")->envname("DEFERD_SOCKET")->default_str(kSocket);
  arguments.socket = kSocket;
  app.add_flag("--json", arguments.json, "JSON for programs; lists as one object a line");
  app.set_version_flag("--version", "deferctl " DEFERD_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  describe_reading(app, arguments);
  describe_changing(app, arguments);
  describe_migrate(app, arguments);
}

}  // namespace deferd::ctl
