namespace Insa.Iiot.Protocols.Mqtt.Tests;

public sealed class Mqtt311AdapterTests() : MqttAdapterTests(4);
