export { sha512 as default } from './tasks.ts'
