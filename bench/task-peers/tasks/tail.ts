export { tail as default } from './tasks.ts'
