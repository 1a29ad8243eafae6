/* System calls: from the number in a7 to the function. */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

struct trapframe;

/* Runs the call that the frame asks for and leaves the result in it. */
void syscall_dispatch(struct trapframe *tf);

#endif
