export { integer as default } from './tasks.ts'
