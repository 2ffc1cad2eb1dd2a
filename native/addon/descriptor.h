/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns a file descriptor: closes it unless it was released.
 */
#ifndef ADDON_DESCRIPTOR_H
#define ADDON_DESCRIPTOR_H

#include <unistd.h>

class Descriptor
{
  public:
    explicit Descriptor(int fd) : fd_(fd)
    {
    }
    ~Descriptor()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;

    int get() const
    {
        return fd_;
    }
    int release()
    {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }

  private:
    int fd_; /* -1: none */
};

#endif
