using System.Collections.Frozen;
using System.Text;

namespace Insa.Iiot;

/// <summary>Who is connected and for whom it may publish, as found from its credential. Immutable and thread-safe.</summary>
public sealed class DeviceSession
{
    private readonly byte[] _deviceUtf8;
    private readonly FrozenDictionary<string, DeviceId>.AlternateLookup<ReadOnlySpan<char>>? _granted;

    /// <summary>Makes a session.</summary>
    /// <param name="tenant">The tenant of the credential.</param>
    /// <param name="device">The device of the credential.</param>
    /// <param name="mayPublishFor">Other devices of the tenant that a gateway speaks for.</param>
    public DeviceSession(TenantId tenant, DeviceId device, IEnumerable<DeviceId>? mayPublishFor = null)
    {
        if (!tenant.IsSpecified)
            throw new ArgumentException("A session needs a tenant.", nameof(tenant));
        if (!device.IsSpecified)
            throw new ArgumentException("A session needs a device.", nameof(device));
        Tenant = tenant;
        Device = device;
        _deviceUtf8 = Encoding.ASCII.GetBytes(device.Value);
        var granted = mayPublishFor?.Distinct().ToFrozenDictionary(id => id.Value, StringComparer.Ordinal);
        if (granted is { Count: > 0 })
            _granted = granted.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    private DeviceSession(DeviceSession session, string protocol)
    {
        (Tenant, Device, Protocol) = (session.Tenant, session.Device, protocol);
        (_deviceUtf8, _granted) = (session._deviceUtf8, session._granted);
    }

    /// <summary>The tenant. Never read from a topic, path or payload.</summary>
    public TenantId Tenant { get; }

    /// <summary>The device that authenticated.</summary>
    public DeviceId Device { get; }

    /// <summary>Whether the session speaks for other devices too.</summary>
    public bool IsGateway => _granted is not null;

    /// <summary>The protocol's short name, such as <c>mqtt</c>, as its adapter says it with <see cref="Over"/>; <see langword="null"/> if it does not.</summary>
    public string? Protocol { get; }

    /// <summary>The same session, over a protocol.</summary>
    /// <param name="protocol">Its short name, such as <c>mqtt</c>: a constant of its adapter.</param>
    public DeviceSession Over(string protocol)
    {
        ArgumentException.ThrowIfNullOrEmpty(protocol);
        return new DeviceSession(this, protocol);
    }

    /// <summary>Finds the device named on the wire, if the session may publish for it. An empty name is the session's own device.</summary>
    /// <returns><see langword="false"/> if it may not, or there is no such device.</returns>
    public bool TryResolve(ReadOnlySpan<byte> deviceUtf8, out DeviceId device)
    {
        device = Device;
        if (deviceUtf8.IsEmpty || deviceUtf8.SequenceEqual(_deviceUtf8))
            return true;
        if (_granted is null || deviceUtf8.Length > DeviceId.MaxLength)
            return false;

        Span<char> chars = stackalloc char[DeviceId.MaxLength];
        return Encoding.ASCII.TryGetChars(deviceUtf8, chars, out var length) && _granted.Value.TryGetValue(chars[..length], out device);
    }
}
