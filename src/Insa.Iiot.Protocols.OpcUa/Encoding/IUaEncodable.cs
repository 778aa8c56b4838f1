namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>A structure that can write itself.</summary>
internal interface IUaEncodable
{
    /// <summary>The numeric id, in namespace 0, of its binary encoding.</summary>
    uint EncodingId { get; }

    void Encode(ref UaWriter writer);
}
