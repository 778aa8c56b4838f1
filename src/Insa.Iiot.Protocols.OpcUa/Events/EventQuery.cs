using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Which events a client wants and what of them, read from its event filter (OPC 10000-4 §7.22.3). Not thread-safe.</summary>
/// <param name="types">The types of events.</param>
/// <param name="fields">What it wants of each.</param>
/// <param name="where">Which ones; <see langword="null"/> for all.</param>
/// <param name="encodedBytes">How large the filter was.</param>
internal sealed class EventQuery(EventTypes types, EventField[] fields, WhereClause? where, int encodedBytes)
{
    private const int BytesPerUnit = 64;

    public int FieldCount => fields.Length;

    /// <summary>The memory it takes, in values of a queue.</summary>
    public int Cost => 1 + (encodedBytes / BytesPerUnit);

    public bool Passes(UaEvent e) => where is null || where.Passes(e);

    public Variant FieldOf(UaEvent e, int field) => fields[field].Of(e, types);
}
