# The system door's code for arm64: x64.s says what it does. Here the kernel brings the way back from a signal.

.text

# napi_value init(env, exports): the function that JavaScript gets
init:
  stp x29, x30, [sp, #-32]!
  mov x1, xzr
  mov x2, xzr
  adr x3, call_system
  mov x4, xzr
  add x5, sp, #16
  adr x9, slots
  ldr x9, [x9]
  blr x9
  ldr x0, [sp, #16]
  ldp x29, x30, [sp], #32
  ret

# napi_value call_system(env, info): one system call, by the words of an ArrayBuffer
call_system:
  stp x29, x30, [sp, #-64]!
  stp x19, x20, [sp, #16]
  mov x19, x0
  adr x20, slots
  mov x9, #1
  str x9, [sp, #32]
  add x2, sp, #32
  add x3, sp, #40
  mov x4, xzr
  mov x5, xzr
  ldr x9, [x20, #8]
  blr x9
  mov x0, x19
  ldr x1, [sp, #40]
  add x2, sp, #48
  add x3, sp, #56
  ldr x9, [x20, #16]
  blr x9
  ldr x19, [sp, #48]
  str x19, [x20, #24]
  str x19, [x19, #56]
  adr x9, handler
  str x9, [x19, #64]
  str xzr, [x19, #72]
  ldp x8, x0, [x19]
  ldp x1, x2, [x19, #16]
  ldp x3, x4, [x19, #32]
  mov x5, xzr
  svc #0
  str x0, [x19, #48]
  ldp x19, x20, [sp, #16]
  mov x0, xzr
  ldp x29, x30, [sp], #64
  ret

# void handler(signal): the calls of the table, in whichever thread
handler:
  adr x9, slots
  ldr x9, [x9, #24]
  add x10, x9, #128
again:
  ldr x8, [x10]
  tbnz x8, #63, last
  ldp x0, x1, [x10, #8]
  ldp x2, x3, [x10, #24]
  ldr x4, [x10, #40]
  svc #0
  tbz x0, #63, next
  str x0, [x10, #48]
next:
  add x10, x10, #56
  b again
last:
  add x9, x9, #80
count:
  ldxr x11, [x9]
  add x11, x11, #1
  stlxr w12, x11, [x9]
  cbnz w12, count
  ret

# napi_create_function, napi_get_cb_info, napi_get_arraybuffer_info, and where the memory is
.set slots, init + 0x10500
