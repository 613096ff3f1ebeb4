// The Dialogue of a live client: while it rests it is a few hundred bytes, else a DialogueImpl, ten times as much. Front ends
// hold thousands of clients for hours.
#pragma once
#include <memory>

#include "host/dialogue.h"

namespace deferd {

class RestingDialogue : public Dialogue {
 public:
  RestingDialogue(HostServices& services, Session&& session, Voice voice);
  ~RestingDialogue() override;

  Session& session() override { return awake().session(); }
  void tag(std::string_view fact) override { awake().tag(fact); }
  const Decision& connect() override { return awake().connect(); }
  const Decision& helo() override { return awake().helo(); }
  const Decision& mail(std::string from) override { return awake().mail(std::move(from)); }
  const Decision& rcpt(std::string to) override { return awake().rcpt(std::move(to)); }
  void drop_last_recipient() override { awake().drop_last_recipient(); }
  const Decision& data() override { return awake().data(); }
  const Decision& headers() override { return awake().headers(); }
  Duration accepted() override { return awake().accepted(); }
  bool client_is_white() override { return awake().client_is_white(); }
  void reset() override;
  std::uint32_t hooks() const override;
  void rest() override;

 private:
  DialogueImpl& awake();
  void wake(bool with_all_tags);

  HostServices& services_;
  std::unique_ptr<DialogueImpl> dialogue_;  // this one or
  std::unique_ptr<char[]> remains_;         // what is left of it
  const Voice voice_;
};

}  // namespace deferd
