using System.Collections.Frozen;
using System.Text;

namespace Insa.Iiot;

/// <summary>Who is connected and for whom it may publish, as found from its credential. Immutable and thread-safe.</summary>
public sealed class DeviceSession
{
    private readonly byte[] _deviceUtf8;
    private readonly FrozenDictionary<string, DeviceId>.AlternateLookup<ReadOnlySpan<char>>? _granted;
    private readonly DeviceNames? _admitted;

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

    private DeviceSession(DeviceSession session, string? protocol, DeviceNames? admitted)
    {
        (Tenant, Device, Protocol) = (session.Tenant, session.Device, protocol);
        (_deviceUtf8, _granted, _admitted) = (session._deviceUtf8, session._granted, admitted);
    }

    /// <summary>
    /// Makes the session of one of our own hosts, which hands over what its devices have been told is stored: it may publish for every device name of
    /// the tenant. Only for what is known to come from such a host.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="host">What the host is called among the tenant's devices, for messages of it that cannot be read.</param>
    public static DeviceSession ForAdmitted(TenantId tenant, DeviceId host) =>
        new(new DeviceSession(tenant, host), null, new DeviceNames());

    /// <summary>The tenant. Never read from a topic, path or payload.</summary>
    public TenantId Tenant { get; }

    /// <summary>The device that authenticated.</summary>
    public DeviceId Device { get; }

    /// <summary>Whether the session speaks for other devices too.</summary>
    public bool IsGateway => _granted is not null || _admitted is not null;

    /// <summary>
    /// Whether what comes was admitted and checked by another host already, and its device told so (<see cref="ForAdmitted"/>): no quota, rate or state of
    /// the tenant, and no window of time, is asked for again.
    /// </summary>
    public bool IsAdmitted => _admitted is not null;

    /// <summary>The protocol's short name, such as <c>mqtt</c>, as its adapter says it with <see cref="Over"/>; <see langword="null"/> if it does not.</summary>
    public string? Protocol { get; }

    /// <summary>The same session, over a protocol.</summary>
    /// <param name="protocol">Its short name, such as <c>mqtt</c>: a constant of its adapter.</param>
    public DeviceSession Over(string protocol)
    {
        ArgumentException.ThrowIfNullOrEmpty(protocol);
        return new DeviceSession(this, protocol, _admitted);
    }

    /// <summary>Finds the device named on the wire, if the session may publish for it. An empty name is the session's own device.</summary>
    /// <returns><see langword="false"/> if it may not, or there is no such device.</returns>
    public bool TryResolve(ReadOnlySpan<byte> deviceUtf8, out DeviceId device)
    {
        device = Device;
        if (deviceUtf8.IsEmpty || deviceUtf8.SequenceEqual(_deviceUtf8))
            return true;
        if (!IsGateway || deviceUtf8.Length > DeviceId.MaxLength)
            return false;

        Span<char> chars = stackalloc char[DeviceId.MaxLength];
        if (!Encoding.ASCII.TryGetChars(deviceUtf8, chars, out var length))
            return false;
        return _granted?.TryGetValue(chars[..length], out device) ?? _admitted!.TryFind(chars[..length], out device);
    }
}
