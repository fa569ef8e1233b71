/** Lets a lazy class have everything its native one has, also what a later Node adds. */

interface Lazy<N> {
  native(): N
}

/**
 * Puts the lazy prototype under the native one, so that `instanceof` and `Object.prototype.toString` agree, and hands
 * every member that the lazy class does not have itself to the native object behind it.
 */
export function delegateTheRest<N extends object>(lazyPrototype: Lazy<N>, nativePrototype: N): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(nativePrototype))) {
    const own = Object.getOwnPropertyDescriptor(lazyPrototype, name)
    if (name === 'constructor') continue
    const { value, get } = descriptor as PropertyDescriptor
    Object.defineProperty(lazyPrototype, name, {
      ...(own ?? (get === undefined ? { value: delegatedMethod(value), writable: true } : { get: delegated(get) })),
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
