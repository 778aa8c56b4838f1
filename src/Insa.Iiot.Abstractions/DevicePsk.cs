namespace Insa.Iiot;

/// <summary>A pre-shared key (RFC 4279). Its text form never holds the key.</summary>
public sealed class DevicePsk
{
    /// <summary>Makes a key.</summary>
    public DevicePsk(string identity, ReadOnlyMemory<byte> key)
    {
        ArgumentNullException.ThrowIfNull(identity);
        (Identity, Key) = (identity, key);
    }

    /// <summary>What the device calls itself: <c>device@tenant</c>.</summary>
    public string Identity { get; }

    /// <summary>The key.</summary>
    public ReadOnlyMemory<byte> Key { get; }

    /// <returns>The identity.</returns>
    public override string ToString() => Identity;
}
