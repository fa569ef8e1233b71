import { name as a } from './a.js'

export const name = a + 'b'
