namespace Insa.Iiot;

/// <summary>One of the changes that <see cref="IControlStore.CommitAsync"/> makes together or not at all.</summary>
public sealed record ControlChange
{
    private ControlChange(ControlVerb verb, ControlScope scope, string kind, string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        (Verb, Scope, Kind, Id) = (verb, scope, kind, id);
    }

    /// <summary>What it does.</summary>
    public ControlVerb Verb { get; }

    /// <summary>Whose record or counter it is.</summary>
    public ControlScope Scope { get; }

    /// <summary>The record's kind, or the counter's name.</summary>
    public string Kind { get; }

    /// <summary>The record's id; empty for a counter.</summary>
    public string Id { get; }

    /// <summary>The version that the record must have.</summary>
    public long Version { get; private init; }

    /// <summary>The record's new body.</summary>
    public ReadOnlyMemory<byte> Body { get; private init; }

    /// <summary>All keys by which the record is found besides its id, each unique within scope and kind.</summary>
    public IReadOnlyList<string> Keys { get; private init; } = [];

    /// <summary>What is added to the counter; may be negative.</summary>
    public long Amount { get; private init; }

    /// <summary>What the counter may not be taken below; <see langword="null"/> is 0.</summary>
    public long? Least { get; private init; }

    /// <summary>What the counter may not be taken above; <see langword="null"/> for no bound.</summary>
    public long? Most { get; private init; }

    /// <summary>Inserts a record, of version 1. Fails as <see cref="ControlOutcome.Exists"/> if its id or a key is taken.</summary>
    public static ControlChange Insert(
        ControlScope scope,
        string kind,
        string id,
        ReadOnlyMemory<byte> body,
        params IReadOnlyList<string> keys
    ) => OfRecord(ControlVerb.Insert, scope, kind, id) with { Body = body, Keys = keys };

    /// <summary>
    /// Replaces a record's body and keys. Fails as <see cref="ControlOutcome.Changed"/> if it has another version or is not there, and as
    /// <see cref="ControlOutcome.Exists"/> if a key is another record's.
    /// </summary>
    public static ControlChange Replace(ControlRecord record, ReadOnlyMemory<byte> body, params IReadOnlyList<string> keys) =>
        Of(ControlVerb.Replace, record) with
        {
            Body = body,
            Keys = keys,
        };

    /// <summary>Deletes a record and its keys. Fails as <see cref="ControlOutcome.Changed"/> if it has another version or is not there.</summary>
    public static ControlChange Delete(ControlRecord record) => Of(ControlVerb.Delete, record);

    /// <summary>Fails as <see cref="ControlOutcome.Changed"/> unless the record still has its version, and keeps it so until the commit.</summary>
    public static ControlChange Expect(ControlRecord record) => Of(ControlVerb.Expect, record);

    /// <summary>
    /// Adds to a counter, which begins at 0. Fails as <see cref="ControlOutcome.Full"/> if it would pass its upper bound, and as
    /// <see cref="ControlOutcome.Empty"/> if it would fall below its lower one. A counter out of its bounds may still move towards them.
    /// </summary>
    public static ControlChange Count(TenantId tenant, string counter, long amount) =>
        new(ControlVerb.Count, ControlScope.Of(tenant), counter, "") { Amount = amount };

    /// <summary>Sets a counter's bounds; where it stands already does not matter.</summary>
    public static ControlChange Bound(TenantId tenant, string counter, long? least, long? most) =>
        new(ControlVerb.Bound, ControlScope.Of(tenant), counter, "") { Least = least, Most = most };

    private static ControlChange OfRecord(ControlVerb verb, ControlScope scope, string kind, string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return new ControlChange(verb, scope, kind, id);
    }

    private static ControlChange Of(ControlVerb verb, ControlRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return OfRecord(verb, record.Scope, record.Kind, record.Id) with { Version = record.Version };
    }
}
