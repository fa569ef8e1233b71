/**
 * The system calls that a confined process may not make, as a filter for the kernel. It is a list of what is forbidden,
 * after Docker's: what changes the machine, what makes new rights (namespaces, mounts), what looks into other processes,
 * what the other mechanisms do not see (io_uring, other processes' limits and priorities), and sockets that are not for
 * programs. Nothing in here opens anything or calls the system.
 */
import type { CallName, Processor } from './system-calls.ts'

const EPERM = 1
const EACCES = 13
const ENOSYS = 38
const EPROTONOSUPPORT = 93
const EAFNOSUPPORT = 97

const FORBIDDEN: readonly CallName[] = [
  'acct',
  'add_key',
  'adjtimex',
  'bpf',
  'chroot',
  'clock_adjtime',
  'clock_settime',
  'delete_module',
  'fanotify_init',
  'finit_module',
  'fsconfig',
  'fsmount',
  'fsopen',
  'fspick',
  'init_module',
  'ioperm',
  'iopl',
  'ioprio_set',
  'kcmp',
  'kexec_file_load',
  'kexec_load',
  'keyctl',
  'migrate_pages',
  'mount',
  'mount_setattr',
  'move_mount',
  'move_pages',
  'open_by_handle_at',
  'open_tree',
  'perf_event_open',
  'pidfd_getfd',
  'pivot_root',
  'process_madvise',
  'process_vm_readv',
  'process_vm_writev',
  'ptrace',
  'quotactl',
  'quotactl_fd',
  'reboot',
  'request_key',
  'setdomainname',
  'sethostname',
  'setns',
  'settimeofday',
  'swapoff',
  'swapon',
  'syslog',
  'umount2',
  'userfaultfd',
  'vhangup',
]

/**
 * IPC that no folder holds and no process owns: System V's segments, queues and semaphores, and POSIX message queues. They
 * outlive their worker, no memory limit without cgroups counts them, and every process of the same user reads them.
 */
const SHARED_IPC: readonly CallName[] = [
  'mq_open',
  'mq_unlink',
  'msgctl',
  'msgget',
  'msgrcv',
  'msgsnd',
  'semctl',
  'semget',
  'semop',
  'semtimedop',
  'shmat',
  'shmctl',
  'shmget',
]

/**
 * Programs do without these where they are not there. Node's event loop has io_uring's rings since its boot and ends
 * without `io_uring_enter`; what native code does through them, Landlock sees, and this filter does not.
 */
const ABSENT: readonly CallName[] = ['clone3', 'io_uring_register', 'io_uring_setup']

/** Their argument names a process, and 0 means the caller: only that is allowed. */
const OF_A_PROCESS: readonly (readonly [CallName, argument: number])[] = [
  ['prlimit64', 0],
  ['sched_setaffinity', 0],
  ['sched_setattr', 0],
  ['sched_setparam', 0],
  ['sched_setscheduler', 0],
]

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16

const SOCK_STREAM = 1
/** Of a type; the rest is about descriptors. */
const TYPE_BITS = 0xf
const IPPROTO_TCP = 6
const IPPROTO_SMC = 256
const IPPROTO_MPTCP = 262
const MSG_FASTOPEN = 0x2000_0000
const FAST_OPENING: readonly (readonly [CallName, flagsAt: number])[] = [
  ['sendto', 3],
  ['sendmsg', 2],
  ['sendmmsg', 3],
]

/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET */
const NEW_NAMESPACES = 0x80 | 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000
/** Not for `clone`, where this bit is part of the signal. */
const CLONE_NEWTIME = 0x80

const LOAD = 0x20
const JUMP_IF_EQUAL = 0x15
const JUMP_IF_AT_LEAST = 0x35
const JUMP_IF_ANY_BIT = 0x45
const RETURN = 0x06
const AND = 0x54
const ALLOW = 0x7fff0000
const FAIL_WITH = 0x00050000

const NUMBER_AT = 0
const ARCHITECTURE_AT = 4
/** Its lower half, where the processor is little-endian; the upper one means nothing in what is looked at here. */
const argumentAt = (index: number): number => 16 + 8 * index

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]

const load = (at: number): Instruction => [LOAD, 0, 0, at]
const fail = (errno: number): Instruction => [RETURN, 0, 0, FAIL_WITH | errno]
const allow: Instruction = [RETURN, 0, 0, ALLOW]

/**
 * `tcp`: what may connect to a port is Landlock's to say; here all else is refused that could leave the machine. `known`: all,
 * except those that bind TCP ports without asking Landlock.
 */
export type Sockets = 'all' | 'known' | 'tcp' | 'none'

/** The filter's instructions, eight bytes each. */
export function seccompFilter(processor: Processor, network: Sockets): Buffer {
  const { auditArchitecture, foreignCallsFrom } = processor
  const program: Instruction[] = [
    load(ARCHITECTURE_AT),
    [JUMP_IF_EQUAL, 1, 0, auditArchitecture],
    fail(ENOSYS),
    load(NUMBER_AT),
    ...(foreignCallsFrom === null ? [] : ([[JUMP_IF_AT_LEAST, 0, 1, foreignCallsFrom], fail(ENOSYS)] as const)),
    ...[...FORBIDDEN, ...SHARED_IPC].flatMap((name) => whenCalled(processor, name, [fail(EPERM)])),
    ...ABSENT.flatMap((name) => whenCalled(processor, name, [fail(ENOSYS)])),
    ...OF_A_PROCESS.flatMap(([name, argument]) => whenCalled(processor, name, onlyOfItself(argument))),
    ...whenCalled(processor, 'setpriority', [
      load(argumentAt(0)),
      [JUMP_IF_EQUAL, 0, 2, 0],
      load(argumentAt(1)),
      [JUMP_IF_EQUAL, 1, 0, 0],
      fail(EPERM),
      allow,
    ]),
    ...whenCalled(processor, 'clone', withoutNamespaces(NEW_NAMESPACES & ~CLONE_NEWTIME)),
    ...whenCalled(processor, 'unshare', withoutNamespaces(NEW_NAMESPACES)),
    ...whenCalled(processor, 'socket', socketsOf(network)),
    ...(network === 'tcp'
      ? FAST_OPENING.flatMap(([name, flags]) => whenCalled(processor, name, withoutFastOpen(flags)))
      : []),
    allow,
  ]
  return encoded(program)
}

/** `then` has to end with a return. */
function whenCalled({ numbers }: Processor, name: CallName, then: readonly Instruction[]): Instruction[] {
  const number = numbers[name]
  return number === null ? [] : [[JUMP_IF_EQUAL, 0, then.length, number], ...then]
}

function onlyOfItself(argument: number): Instruction[] {
  return [load(argumentAt(argument)), [JUMP_IF_EQUAL, 1, 0, 0], fail(EPERM), allow]
}

function withoutNamespaces(bits: number): Instruction[] {
  return [load(argumentAt(0)), [JUMP_IF_ANY_BIT, 0, 1, bits], fail(EPERM), allow]
}

function socketsOf(network: Sockets): Instruction[] {
  if (network === 'all') return usualSockets()
  if (network === 'known') return knownSockets()
  return network === 'tcp' ? streamSockets() : localSockets()
}

function usualSockets(): Instruction[] {
  return [
    load(argumentAt(0)),
    [JUMP_IF_EQUAL, 6, 0, AF_UNIX],
    [JUMP_IF_EQUAL, 5, 0, AF_INET],
    [JUMP_IF_EQUAL, 4, 0, AF_INET6],
    ...routesOnly(EAFNOSUPPORT),
  ]
}

/** Of the internet's without MPTCP and SMC: whoever asks for those (Go's servers) goes on with TCP. */
function knownSockets(): Instruction[] {
  const ofKnown: Instruction[] = [
    load(argumentAt(2)),
    [JUMP_IF_EQUAL, 2, 0, IPPROTO_MPTCP],
    [JUMP_IF_EQUAL, 1, 0, IPPROTO_SMC],
    allow,
    fail(EPROTONOSUPPORT),
  ]
  return [
    load(argumentAt(0)),
    [JUMP_IF_EQUAL, 2, 0, AF_INET],
    [JUMP_IF_EQUAL, 1, 0, AF_INET6],
    // In any case.
    [JUMP_IF_EQUAL, ofKnown.length, ofKnown.length, 0],
    ...ofKnown,
    ...usualSockets(),
  ]
}

function localSockets(): Instruction[] {
  return [load(argumentAt(0)), [JUMP_IF_EQUAL, 4, 0, AF_UNIX], ...routesOnly(EACCES)]
}

/** Of the internet's only TCP itself: what runs over others, Landlock does not see. */
function streamSockets(): Instruction[] {
  const ofTcp: Instruction[] = [
    load(argumentAt(1)),
    [AND, 0, 0, TYPE_BITS],
    [JUMP_IF_EQUAL, 0, 4, SOCK_STREAM],
    load(argumentAt(2)),
    [JUMP_IF_EQUAL, 1, 0, 0],
    [JUMP_IF_EQUAL, 0, 1, IPPROTO_TCP],
    allow,
    fail(EACCES),
  ]
  return [
    load(argumentAt(0)),
    [JUMP_IF_EQUAL, 2, 0, AF_INET],
    [JUMP_IF_EQUAL, 1, 0, AF_INET6],
    // In any case.
    [JUMP_IF_EQUAL, ofTcp.length, ofTcp.length, 0],
    ...ofTcp,
    ...localSockets(),
  ]
}

/** Data with the first packet connects without asking Landlock. */
function withoutFastOpen(flagsAt: number): Instruction[] {
  return [load(argumentAt(flagsAt)), [JUMP_IF_ANY_BIT, 0, 1, MSG_FASTOPEN], fail(EPERM), allow]
}

/** Of netlink the family with which programs ask for the machine's addresses. */
function routesOnly(errno: number): Instruction[] {
  return [[JUMP_IF_EQUAL, 0, 2, AF_NETLINK], load(argumentAt(2)), [JUMP_IF_EQUAL, 1, 0, 0], fail(errno), allow]
}

function encoded(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [at, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, at * 8)
    bytes.writeUInt8(ifTrue, at * 8 + 2)
    bytes.writeUInt8(ifFalse, at * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, at * 8 + 4)
  }
  return bytes
}
