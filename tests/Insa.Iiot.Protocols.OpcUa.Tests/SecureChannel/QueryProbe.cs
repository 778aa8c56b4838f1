using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Tests.SecureChannel;

/// <summary>A QueryFirst, which nobody answers.</summary>
internal sealed class QueryProbe : IUaEncodable
{
    public uint EncodingId => 615;

    public void Encode(ref UaWriter writer) => new Types.RequestHeader().Encode(ref writer);
}
