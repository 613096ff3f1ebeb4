// The helper's command line: which tables it may touch, or what it captures, and how it is spoken to. Nothing else configures it,
// so that whoever takes over deferd can name no other table.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "pfbridge/helper/packet.h"

namespace deferd::bridge {

/// One table as given: `NAME=KIND:PLACE`.
///
///   white=pf:TABLE               a table of pf by ioctls; pf:ANCHOR/TABLE inside an anchor
///   white=pfctl:TABLE            the same by pfctl(8), see --pfctl
///   white=nft:FAMILY/TABLE/SET4[,SET6[,PREFIXES4[,PREFIXES6]]]     sets of nftables; an empty name: none
///   white=file:PATH              a text file
///   white=program:PATH           an operator's program (program_table.h)
struct TableOption {
  std::string name;  ///< Of deferd's table. Several with one name are all kept in step.
  std::string kind;
  std::string place;
};

/// Where passed connections are logged.
struct CaptureOption {
  std::string device;                  ///< `pflog0`, `nflog:155`; of a file its path.
  std::optional<Direction> direction;  ///< Of all that is logged to an NFLOG group: `nflog:155=in`.
  bool is_file = false;                ///< A capture file, read to its end.
};

struct Options {
  std::vector<TableOption> tables;
  std::vector<CaptureOption> captures;  ///< Never beside tables: each privilege has a process of its own.
  std::vector<std::string> interfaces;  ///< What is captured on others is left out; empty: nothing is.
  std::string bypass;  ///< `KIND:PLACE` of the table whose members pass first of all; empty: no dead man's switch.
  std::chrono::seconds patience{60};
  std::vector<std::string> pfctl{"pfctl"};
  std::string socket;  ///< Path of a Unix socket to listen on; empty: standard input and output.
  std::string owner;   ///< Who may connect to it: the socket is his, mode 0600. Empty: who started the helper.
  std::string user;    ///< Whose it becomes after everything is open; empty: it stays.
  bool check = false;  ///< Only say whether all tables are there and used, or captures can be made.
  bool help = false;
};

/// nullopt-like: `error` says what is wrong with which word, and the result is not to be used.
Options parse_options(const std::vector<std::string>& words, std::string& error);

std::string usage();

}  // namespace deferd::bridge
