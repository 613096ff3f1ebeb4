// Stand-in for kqueue(2) of FreeBSD and OpenBSD: fields and their types as both have them, but for FreeBSD's `ext`.
#pragma once
#pragma GCC system_header
#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_EOF 0x8000
#define EV_ERROR 0x4000
#define EV_SET(event, a, b, c, d, e, f) \
  do {                                  \
    struct kevent* of = (event);        \
    of->ident = (a);                    \
    of->filter = (b);                   \
    of->flags = (c);                    \
    of->fflags = (d);                   \
    of->data = (e);                     \
    of->udata = (f);                    \
  } while (0)
#define NOTE_LOWAT 0x0001

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  int64_t data;
  void* udata;
#if defined(__FreeBSD__)
  uint64_t ext[4];
#endif
};

extern "C" int kqueue(void);
extern "C" int kevent(int kq, const struct kevent* changelist, int nchanges, struct kevent* eventlist, int nevents,
                      const struct timespec* timeout);
