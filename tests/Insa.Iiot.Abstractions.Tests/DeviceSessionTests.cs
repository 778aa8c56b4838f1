using System.Text;

namespace Insa.Iiot.Tests;

public sealed class DeviceSessionTests
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceSession Admitted = DeviceSession.ForAdmitted(Plant, DeviceId.Parse("host")).Over("amqp");

    [Fact]
    public void A_session_of_a_device_speaks_for_those_it_was_granted_alone()
    {
        var session = new DeviceSession(Plant, DeviceId.Parse("gate"), [DeviceId.Parse("pump")]);
        Assert.False(session.IsAdmitted);
        Assert.True(session.TryResolve("pump"u8, out var pump));
        Assert.Equal("pump", pump.Value);
        Assert.True(session.TryResolve(""u8, out var gate));
        Assert.Equal("gate", gate.Value);
        Assert.False(session.TryResolve("press"u8, out _));
    }

    [Fact]
    public void A_session_of_a_host_speaks_for_every_name_of_a_device_of_its_tenant()
    {
        Assert.True(Admitted.IsAdmitted);
        Assert.True(Admitted.IsGateway);
        Assert.Equal(("plant", "host", "amqp"), (Admitted.Tenant.Value, Admitted.Device.Value, Admitted.Protocol));
        foreach (var name in (string[])["press", "A.b_c:d-9", new string('x', DeviceId.MaxLength)])
        {
            Assert.True(Admitted.TryResolve(Encoding.UTF8.GetBytes(name), out var device));
            Assert.Equal(name, device.Value);
        }
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("prés")]
    [InlineData("\0")]
    public void A_session_of_a_host_speaks_for_no_name_that_is_none(string name) =>
        Assert.False(Admitted.TryResolve(Encoding.UTF8.GetBytes(name), out _));

    [Fact]
    public void A_session_of_a_host_speaks_for_no_name_that_is_too_long() =>
        Assert.False(Admitted.TryResolve(new byte[DeviceId.MaxLength + 1], out _));

    [Fact]
    public void A_name_that_comes_again_allocates_nothing()
    {
        Admitted.TryResolve("saw"u8, out var first);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Admitted.TryResolve("saw"u8, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Admitted.TryResolve("saw"u8, out var second);
        Assert.Same(first.Value, second.Value);
    }

    [Fact]
    public void More_names_than_are_kept_are_still_found()
    {
        var session = DeviceSession.ForAdmitted(Plant, DeviceId.Parse("host"));
        for (var i = 0; i < 120_000; i++)
            Assert.True(session.TryResolve(Encoding.UTF8.GetBytes($"d{i}"), out _));
    }
}
