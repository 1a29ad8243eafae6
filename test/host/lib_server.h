/*
 * For host tests of a server: what user/include/banyan.h would give it. The test plays
 * the kernel by defining these, and includes the server's files after this one.
 */
#ifndef TEST_HOST_LIB_SERVER_H
#define TEST_HOST_LIB_SERVER_H

#include "kernel/abi.h"
#include "test/host/lib_check.h"
#include "test/host/lib_killpoint.h"
#include "user/include/message.h"

/* In its place. */
#define BANYAN_H

long ipc_receive(int port, struct message *m, struct ipc_ext *ext);
long ipc_reply(int port, long id, const struct message *m, struct ipc_ext *ext);
long ipc_reply_receive(int port, long id, struct message *m, struct ipc_ext *ext);
long sys_irq_ack(int interrupt);
long sys_close(int handle);
long sys_clock(int clock);
long sys_port_timer(int port, unsigned bit, unsigned long ns);
long sys_notify(int port, unsigned long bits);

#endif
