namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>A structure of the standard.</summary>
internal interface IUaStructure<TSelf> : IUaEncodable
    where TSelf : IUaStructure<TSelf>
{
    static abstract uint BinaryEncodingId { get; }

    /// <summary>The fewest bytes it can have, which bounds the length of an array of it.</summary>
    static virtual int MinimumEncodedBytes => 1;

    /// <summary>Reads the structure. After a fault of the reader what comes back is of no use, but never null.</summary>
    static abstract TSelf Decode(ref UaReader reader);
}
