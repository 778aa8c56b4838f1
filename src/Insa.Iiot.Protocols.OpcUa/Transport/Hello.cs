using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>What a client proposes (Part 6 §7.1.2.3). None of its sizes is ever allocated.</summary>
/// <param name="Version">Of the protocol.</param>
/// <param name="ReceiveBytes">The largest chunk it takes.</param>
/// <param name="SendBytes">The largest chunk it sends.</param>
/// <param name="MaxMessageBytes">The largest response it takes; 0 is no limit of its own.</param>
/// <param name="MaxChunks">The most chunks of a response it takes; 0 is no limit of its own.</param>
/// <param name="EndpointUrl">The address by which it has connected.</param>
internal sealed record Hello(uint Version, uint ReceiveBytes, uint SendBytes, uint MaxMessageBytes, uint MaxChunks, string EndpointUrl)
{
    private const int MinBufferBytes = 8192;
    private const int MaxUrlBytes = 4096;

    private static readonly EncodingLimits Limits = EncodingLimits.Default with { MaxStringBytes = MaxUrlBytes };

    /// <summary>The whole message, as a client sends it.</summary>
    public byte[] ToBytes()
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        writer.UInt64(0);
        writer.UInt32(Version);
        writer.UInt32(ReceiveBytes);
        writer.UInt32(SendBytes);
        writer.UInt32(MaxMessageBytes);
        writer.UInt32(MaxChunks);
        writer.String(EndpointUrl);
        writer.Flush();
        var bytes = output.WrittenSpan.ToArray();
        new ChunkHeader(MessageType.Hello, ChunkKind.Final, (uint)bytes.Length).Write(bytes);
        return bytes;
    }

    /// <param name="body">What follows the header.</param>
    /// <param name="hello">What was read.</param>
    /// <returns>Good, or why the connection has to end.</returns>
    public static StatusCode TryRead(ReadOnlySpan<byte> body, out Hello? hello)
    {
        hello = null;
        var reader = new UaReader(body, Limits);
        var read = new Hello(reader.UInt32(), reader.UInt32(), reader.UInt32(), reader.UInt32(), reader.UInt32(), reader.String() ?? "");
        if (!reader.Status.IsGood)
            return reader.Status == StatusCodes.BadEncodingLimitsExceeded ? StatusCodes.BadTcpEndpointUrlInvalid : reader.Status;
        if (read.ReceiveBytes < MinBufferBytes || read.SendBytes < MinBufferBytes)
            return StatusCodes.BadTcpNotEnoughResources;
        hello = read;
        return default;
    }
}
