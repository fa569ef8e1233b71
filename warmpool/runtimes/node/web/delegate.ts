/**
 * Lets a lazy class stand in for its native one: it answers to the same name, shows the same members, and once the
 * native one is loaded it has everything else from there, also what a later Node adds.
 */
import { inspect } from 'node:util'
import { type ClassName, loadedWeb, type NativeWeb, nativeWeb, whenLoaded } from './native.ts'

interface Lazy<N> {
  native(): N
}

interface LazyClass<N> {
  readonly prototype: Lazy<N>
}

/** To be called once the class has all its own members. Those named in `hidden` are this runtime's, not the user's. */
export function standInFor<K extends ClassName>(
  name: K,
  lazyClass: LazyClass<InstanceType<NativeWeb[K]>>,
  hidden: readonly string[],
): void {
  const { prototype } = lazyClass
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    const isShown = key !== 'constructor' && !hidden.includes(key)
    if (isShown) Object.defineProperty(prototype, key, { ...descriptor, enumerable: true })
  }
  Object.defineProperties(prototype, {
    [Symbol.toStringTag]: { value: name, configurable: true },
    [inspect.custom]: { value: inspected(name), writable: true, configurable: true },
  })
  Object.defineProperties(lazyClass, {
    name: { value: name },
    // A subclass inherits this and means only its own.
    [Symbol.hasInstance]: {
      value(this: unknown, value: unknown): boolean {
        return isInstance(this === lazyClass ? (loadedWeb()?.[name] ?? lazyClass) : this, value)
      },
    },
  })
  whenLoaded((web) => delegateTheRest(prototype, web[name].prototype as InstanceType<NativeWeb[K]>))
}

const isInstance = Function.prototype.call.bind(Function.prototype[Symbol.hasInstance]) as (
  ofClass: unknown,
  value: unknown,
) => boolean

type Inspect = (this: unknown, ...args: unknown[]) => string

/** What the native class shows; it reads public members only, but for those of Headers. */
function inspected(name: ClassName): Inspect {
  return function (this: unknown, ...args) {
    const shown = name === 'Headers' ? (this as Lazy<Headers>).native() : this
    const { prototype } = nativeWeb()[name] as unknown as { prototype: { [inspect.custom]: Inspect } }
    return prototype[inspect.custom].apply(shown, args)
  }
}

/**
 * Puts the lazy prototype under the native one, so that `instanceof` agrees, and hands every member that the lazy
 * class does not have itself to the native object behind it.
 */
function delegateTheRest<N extends object>(lazyPrototype: Lazy<N>, nativePrototype: N): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(nativePrototype))) {
    if (name === 'constructor' || Object.hasOwn(lazyPrototype, name)) continue
    const { value, get } = descriptor as PropertyDescriptor
    Object.defineProperty(lazyPrototype, name, {
      ...(get === undefined ? { value: delegatedMethod(value), writable: true } : { get: delegated(get) }),
      enumerable: true,
      configurable: true,
    })
  }
  Object.setPrototypeOf(lazyPrototype, nativePrototype)
}

type Method = (...args: unknown[]) => unknown

function delegated(get: () => unknown): (this: Lazy<object>) => unknown {
  return function (this: Lazy<object>) {
    return get.call(this.native())
  }
}

function delegatedMethod(method: Method): Method {
  return function (this: Lazy<object>, ...args: unknown[]) {
    return method.apply(this.native(), args)
  }
}
