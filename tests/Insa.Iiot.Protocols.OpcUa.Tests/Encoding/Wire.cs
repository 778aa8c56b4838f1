using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

/// <summary>Between values and their bytes.</summary>
internal static class Wire
{
    public delegate void Write(ref UaWriter writer);

    public delegate T Read<out T>(ref UaReader reader);

    public static byte[] Of(Write write)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        write(ref writer);
        writer.Flush();
        Assert.True(writer.Status.IsGood);
        return output.WrittenSpan.ToArray();
    }

    public static string HexOf(Write write) => Convert.ToHexStringLower(Of(write));

    /// <summary>Reads all of the bytes as one value.</summary>
    public static T Whole<T>(byte[] bytes, Read<T> read)
    {
        var reader = new UaReader(bytes, EncodingLimits.Default);
        var value = read(ref reader);
        Assert.Equal(default, reader.Status);
        Assert.Equal(0, reader.Remaining);
        return value;
    }

    public static T FromHex<T>(string hex, Read<T> read) => Whole(Convert.FromHexString(hex), read);

    /// <summary>What a reader says of bytes that are wrong.</summary>
    public static StatusCode StatusOf<T>(byte[] bytes, Read<T> read, EncodingLimits? limits = null)
    {
        var reader = new UaReader(bytes, limits ?? EncodingLimits.Default);
        read(ref reader);
        return reader.Status;
    }
}
