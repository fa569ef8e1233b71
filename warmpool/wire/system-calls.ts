/**
 * Numbers of Linux's system calls, as this runtime makes or forbids them. They differ between processors; those from
 * 424 on are the same everywhere. A call that a processor does not have is `null`.
 */

export interface Processor {
  /** What seccomp tells a filter about who calls. */
  readonly auditArchitecture: number
  /** Calls from here on belong to another table (x32) and are refused; null: there is none. */
  readonly foreignCallsFrom: number | null
  readonly numbers: Readonly<Record<CallName, number | null>>
}

/** The numbers of x64 and of arm64. */
const NUMBERS = {
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  bpf: [321, 280],
  capset: [126, 91],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  clone3: [435, 435],
  close: [3, 57],
  clone: [56, 220],
  delete_module: [176, 106],
  fanotify_init: [300, 262],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  init_module: [175, 105],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioperm: [173, null],
  iopl: [172, null],
  ioprio_set: [251, 30],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  migrate_pages: [256, 238],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  mq_open: [240, 180],
  mq_unlink: [241, 181],
  msgctl: [71, 187],
  msgget: [68, 186],
  msgrcv: [70, 188],
  msgsnd: [69, 189],
  open_by_handle_at: [304, 265],
  openat: [257, 56],
  open_tree: [428, 428],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  prctl: [157, 167],
  prlimit64: [302, 261],
  process_madvise: [440, 440],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  rt_sigaction: [13, 134],
  sched_setaffinity: [203, 122],
  sched_setattr: [314, 274],
  sched_setparam: [142, 118],
  sched_setscheduler: [144, 119],
  sched_yield: [24, 124],
  seccomp: [317, 277],
  semctl: [66, 191],
  semget: [64, 190],
  semop: [65, 193],
  semtimedop: [220, 192],
  sendmmsg: [307, 269],
  sendmsg: [46, 211],
  sendto: [44, 206],
  setdomainname: [171, 162],
  setgroups: [116, 159],
  sethostname: [170, 161],
  setns: [308, 268],
  setpriority: [141, 140],
  setresgid: [119, 149],
  setresuid: [117, 147],
  settimeofday: [164, 170],
  shmat: [30, 196],
  shmctl: [31, 195],
  shmget: [29, 194],
  socket: [41, 198],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  tgkill: [234, 131],
  umount2: [166, 39],
  unshare: [272, 97],
  userfaultfd: [323, 282],
  vhangup: [153, 58],
} as const

export type CallName = keyof typeof NUMBERS

export const LANDLOCK_CREATE_RULESET = 444
export const LANDLOCK_ADD_RULE = 445
export const LANDLOCK_RESTRICT_SELF = 446
export const PIDFD_OPEN = 434

const X32_CALLS = 0x4000_0000

/** Null for a processor whose numbers are not known. */
export function processorOf(architecture: string): Processor | null {
  if (architecture === 'x64') return { auditArchitecture: 0xc000_003e, foreignCallsFrom: X32_CALLS, numbers: column(0) }
  if (architecture === 'arm64') return { auditArchitecture: 0xc000_00b7, foreignCallsFrom: null, numbers: column(1) }
  return null
}

function column(at: 0 | 1): Processor['numbers'] {
  const entries = Object.entries(NUMBERS).map(([name, numbers]) => [name, numbers[at]])
  return Object.fromEntries(entries) as Processor['numbers']
}
