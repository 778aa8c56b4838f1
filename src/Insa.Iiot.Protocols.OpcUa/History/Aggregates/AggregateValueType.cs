using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>What a result's value is.</summary>
internal enum AggregateValueType : byte
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>A double.</summary>
    Double,

    /// <summary>A 32-bit integer: a count.</summary>
    Int32,

    /// <summary>A status code: a worst quality.</summary>
    StatusCode,

    /// <summary>A stored value as it is.</summary>
    Stored,
}
