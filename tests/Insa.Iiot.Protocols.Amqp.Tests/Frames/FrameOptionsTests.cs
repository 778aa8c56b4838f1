using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp.Tests.Frames;

public sealed class FrameOptionsTests
{
    private static readonly Uri Broker = new("amqp://iiot:secret@localhost");

    [Fact]
    public void What_is_there_unless_it_is_set_is_right()
    {
        Assert.True(Validate(new AmqpTelemetrySinkOptions()).Succeeded);
        Assert.True(Validate(new AmqpFramesOptions()).Succeeded);
    }

    [Fact]
    public void Every_option_of_the_sink_out_of_range_is_named()
    {
        var result = Validate(
            new AmqpTelemetrySinkOptions
            {
                Partitions = 65,
                MessageBytes = 1,
                MaxFrameBytes = 0,
                EndToEndTimeout = TimeSpan.Zero,
            }
        );
        foreach (var name in (string[])["Partitions", "MessageBytes", "MaxFrameBytes", "EndToEndTimeout"])
            Assert.Contains(name, result.FailureMessage, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_option_of_the_writer_out_of_range_is_named()
    {
        var result = Validate(
            new AmqpFramesOptions
            {
                Partitions = 4,
                Only = { 4 },
                Prefetch = 1001,
                TrustedUsers = { "" },
            }
        );
        foreach (var name in (string[])["partition 4", "Prefetch", "trusted user"])
            Assert.Contains(name, result.FailureMessage, StringComparison.Ordinal);
        Assert.Contains("Partitions", Validate(new AmqpFramesOptions { Partitions = 0 }).FailureMessage, StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_does_not_write_to_the_broker_what_it_has_from_there()
    {
        var amqp = Options.Create(new AmqpOptions { Uri = Broker, Frames = new AmqpFramesOptions() });
        Assert.True(new AmqpTelemetrySinkOptionsValidator(amqp).Validate(null, new AmqpTelemetrySinkOptions()).Failed);
    }

    [Fact]
    public void A_certificate_as_the_login_needs_to_be_named()
    {
        var amqp = Options.Create(new AmqpOptions { Uri = new Uri("amqps://broker.example.com") });
        var validator = new AmqpTelemetrySinkOptionsValidator(amqp);
        Assert.Contains("UserId", validator.Validate(null, new AmqpTelemetrySinkOptions()).FailureMessage, StringComparison.Ordinal);
        Assert.True(validator.Validate(null, new AmqpTelemetrySinkOptions { UserId = "adapter" }).Succeeded);
    }

    private static ValidateOptionsResult Validate(AmqpTelemetrySinkOptions sink) =>
        new AmqpTelemetrySinkOptionsValidator(Options.Create(new AmqpOptions { Uri = Broker })).Validate(null, sink);

    private static ValidateOptionsResult Validate(AmqpFramesOptions frames) =>
        new AmqpOptionsValidator().Validate(null, new AmqpOptions { Uri = Broker, Frames = frames });
}
