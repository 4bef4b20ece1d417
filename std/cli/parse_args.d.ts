// A smaller typing than the genuine one, and never a more precise one: whatever reads a result
// through these types also compiles against the genuine package. Dotted names, aliases and names
// that are not literals read as `unknown`.

type BooleanType = boolean | string | undefined;
type StringType = string | undefined;
type Defaults = Record<string, unknown> | undefined;
type Aliases = Partial<Record<string, string | readonly string[]>> | undefined;

/** The literal, undotted names in a union. */
type Names<T> = T extends string
  ? string extends T ? never : T extends `${string}.${string}` ? never : T
  : never;

type Single<TValue, TName, TNegatable> = TName extends TNegatable ? TValue | false : TValue;

type Value<TValue, TName, TCollectable, TNegatable> = Single<
  TName extends TCollectable ? TValue[] : TValue,
  TName,
  TNegatable
>;

/** String flags that have no value of their own when they are not given. */
type OptionalNames<TStrings, TCollectable, TDefault> = Exclude<
  Names<TStrings>,
  TCollectable | keyof TDefault
>;

type RequiredNames<TStrings, TCollectable, TDefault> = Exclude<
  Names<TStrings>,
  OptionalNames<TStrings, TCollectable, TDefault>
>;

type OrDefault<TValue, TName, TDefault> = TName extends keyof TDefault ? TValue | TDefault[TName]
  : TValue;

type Values<TBooleans, TStrings, TCollectable, TNegatable, TDefault> =
  & Record<string, unknown>
  & {
    [K in OptionalNames<TStrings, TCollectable, TDefault>]?: Single<string, K, TNegatable>;
  }
  & {
    [K in RequiredNames<TStrings, TCollectable, TDefault>]: OrDefault<
      Value<string, K, TCollectable, TNegatable>,
      K,
      TDefault
    >;
  }
  & {
    [K in Exclude<Names<TBooleans>, Names<TStrings>>]: OrDefault<
      Value<boolean, K, TCollectable, TNegatable>,
      K,
      TDefault
    >;
  };

type DoubleDash<T extends boolean | undefined> = boolean extends T ? { "--"?: string[] }
  : true extends T ? { "--": string[] }
  : unknown;

export type Args<
  TArgs extends Record<string, unknown> = Record<string, unknown>,
  TDoubleDash extends boolean | undefined = undefined,
> = TArgs & { _: Array<string | number> } & DoubleDash<TDoubleDash>;

export interface ParseOptions<
  TBooleans extends BooleanType = BooleanType,
  TStrings extends StringType = StringType,
  TCollectable extends StringType = StringType,
  TNegatable extends StringType = StringType,
  TDefault extends Defaults = Defaults,
  TAliases extends Aliases = Aliases,
  TDoubleDash extends boolean | undefined = boolean | undefined,
> {
  "--"?: TDoubleDash;
  alias?: TAliases;
  boolean?: TBooleans | ReadonlyArray<Extract<TBooleans, string>>;
  default?: TDefault;
  stopEarly?: boolean;
  string?: TStrings | ReadonlyArray<Extract<TStrings, string>>;
  collect?: TCollectable | ReadonlyArray<Extract<TCollectable, string>>;
  negatable?: TNegatable | ReadonlyArray<Extract<TNegatable, string>>;
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

export declare function parseArgs<
  TDoubleDash extends boolean | undefined = undefined,
  TBooleans extends BooleanType = undefined,
  TStrings extends StringType = undefined,
  TCollectable extends StringType = undefined,
  TNegatable extends StringType = undefined,
  TDefault extends Defaults = undefined,
  TAliases extends Aliases = undefined,
>(
  args: string[],
  options?: ParseOptions<
    TBooleans,
    TStrings,
    TCollectable,
    TNegatable,
    TDefault,
    TAliases,
    TDoubleDash
  >,
): Args<Values<TBooleans, TStrings, TCollectable, TNegatable, TDefault>, TDoubleDash>;
