/* The message calls: registers and struct ipc_gifts on one side, ports on the other. */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

struct trapframe;

/* Each reads its arguments from the frame and leaves results there (abi.h). */
void ipc_call(struct trapframe *tf);
void ipc_receive(struct trapframe *tf);
void ipc_reply(struct trapframe *tf);
void ipc_reply_receive(struct trapframe *tf);

#endif
