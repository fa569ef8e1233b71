export { hashFor as default } from './hash-for.ts'
